"""What stands in the queues of a topology: put there, counted, taken out."""

from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from postroom.testing import eventually


async def put(channel: AbstractChannel, queue: str, *bodies: bytes, **properties: Any) -> None:
    for body in bodies:
        message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, **properties)
        await channel.default_exchange.publish(message, queue)


async def depth(channel: AbstractChannel, queue: str) -> int:
    return (await channel.get_queue(queue)).declaration_result.message_count or 0


async def has_depth(channel: AbstractChannel, queue: str, expected: int) -> None:
    """Waits for that: what is given back is in its queue a moment later."""

    async def check() -> bool:
        return await depth(channel, queue) == expected

    await eventually(check)


async def bodies(channel: AbstractChannel, queue: str, count: int) -> list[bytes]:
    """Takes everything out of `queue`, as soon as there are so many. Where there never are, it says what there is."""
    try:
        await has_depth(channel, queue, count)
    except AssertionError as error:
        there = [f"{message.body!r} {message.headers}" for message in await _taken(channel, queue)]
        raise AssertionError("\n".join([str(error), *there])) from None
    return [message.body for message in await _taken(channel, queue)]


async def _taken(channel: AbstractChannel, queue: str) -> list[AbstractIncomingMessage]:
    source, found = await channel.get_queue(queue), []
    while message := await source.get(fail=False, no_ack=True):
        found.append(message)
    return found
