"""What the queues' policies and the delay ladder do with messages."""

import time
from datetime import timedelta

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from postroom import wire
from postroom.broker.topology import walk_key
from postroom.testing import eventually
from tests.support.topology import bodies, depth, put
from tests.support.worker import seconds_on_ladder

ALMOST = 0.95  # of each second: the broker's clock is not ours


async def test_the_broker_buries_a_message_that_no_worker_survives(channel: AbstractChannel) -> None:
    await put(channel, "email.send", b"deadly")
    queue = await channel.get_queue("email.send")

    async def is_dead() -> bool:
        if message := await queue.get(fail=False):
            await message.reject(requeue=True)
        return await depth(channel, "email.send.dead") > 0

    await eventually(is_dead)

    assert await bodies(channel, "email.send.dead", 1) == [b"deadly"]


async def test_looking_at_a_dead_letter_never_loses_it(channel: AbstractChannel) -> None:
    await put(channel, "email.send.dead", b"evidence")
    queue = await channel.get_queue("email.send.dead")

    for _ in range(2 * wire.DELIVERY_LIMIT):
        message = await eventually(lambda: queue.get(fail=False))
        await message.reject(requeue=True)

    assert await bodies(channel, "email.send.dead", 1) == [b"evidence"]


async def test_the_ladder_holds_every_message_for_its_time_on_the_levels_of_its_wait(channel: AbstractChannel) -> None:
    waits = range(7, 0, -1)
    began: dict[int, float] = {}
    arrived: dict[int, float] = {}
    levels: dict[int, set[str]] = {}

    async def arrive(message: AbstractIncomingMessage) -> None:
        wait = int(message.body)
        arrived[wait] = time.monotonic()
        assert seconds_on_ladder(message.headers) == wait
        levels[wait] = {death["queue"] for death in message.headers["x-death"]}
        await message.ack()

    await (await channel.get_queue("email.send")).consume(arrive)
    ladder = await channel.get_exchange(wire.DELAY)
    for wait in waits:
        began[wait] = time.monotonic()
        message = aio_pika.Message(str(wait).encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await ladder.publish(message, walk_key(timedelta(seconds=wait), "email.send"))

    await eventually(lambda: len(levels) == len(waits))

    assert all(arrived[wait] - began[wait] >= wait * ALMOST for wait in waits)
    # How late they are, the broker alone decides: it held each on these levels, once, and on no other.
    assert levels == {wait: {f"delay.{2**n}s" for n in range(20) if wait & 2**n} for wait in waits}
