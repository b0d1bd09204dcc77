"""Messages that the broker itself buried, and that a person moves back with the management UI."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from aio_pika.abc import AbstractIncomingMessage
from sqlalchemy import text

from shared import wire
from shared.database import Database
from shared.dead_letters import Pace, Selection, Watch, replay, target_of
from shared.dead_letters.letter import Envelope, read_dead_letter
from shared.errors import Postponed
from shared.messages import JobCompleted
from shared.retries import RetryPolicy, fixed
from shared.testing import eventually
from shared.worker import Delivery
from tests.support.moving import move_messages
from tests.support.worker import Chore, Desk, failing

TWICE = RetryPolicy(attempts=2, backoff=fixed(timedelta(seconds=1)))
LISTENER = {"x-queue-type": "quorum"}


async def bury(desk: Desk, *, reason: str) -> None:
    """Take what waits in the queue, until the broker buries it for this reason."""
    source = await desk.channel.get_queue(desk.queue, ensure=False)

    async def is_dead() -> bool:
        message = await source.get(fail=False)
        if message is not None:
            await message.reject(requeue=reason == "delivery_limit")
        return await desk.depth(wire.dead_queue(desk.queue)) == 1

    await eventually(is_dead)
    letter = await look(desk)
    assert [death["reason"] for death in letter.headers["x-death"]] == [reason]


async def look(desk: Desk) -> AbstractIncomingMessage:
    """The dead letter, left where it is."""
    source = await desk.channel.get_queue(wire.dead_queue(desk.queue), ensure=False)
    letter = await eventually(lambda: source.get(fail=False))
    await letter.nack(requeue=True)
    await eventually(lambda: desk.depth(wire.dead_queue(desk.queue)))
    return letter


async def move_back(desk: Desk) -> None:
    await move_messages(desk.station.vhost, wire.dead_queue(desk.queue), desk.queue)


async def ends(desk: Desk) -> list[JobCompleted]:
    """What was told with `job.completed` of this desk's messages."""
    told = await desk.channel.get_queue(f"ends.{desk.queue}", ensure=False)
    found = []
    while (message := await told.get(no_ack=True, fail=False)) is not None:
        found.append(JobCompleted.model_validate(orjson.loads(message.body)))
    return [event for event in found if event.queue == desk.queue]


@pytest.fixture
async def desk(desk: Desk) -> Desk:
    """One that hears of ends."""
    listener = await desk.channel.declare_queue(f"ends.{desk.queue}", durable=True, arguments=LISTENER)
    await listener.bind(wire.EVENTS, JobCompleted.kind)
    return desk


@pytest.mark.parametrize("reason", ["delivery_limit", "rejected"])
async def test_a_moved_message_that_the_broker_buried_has_fresh_attempts_and_its_end_is_told(
    desk: Desk, reason: str
) -> None:
    worker = desk.worker(failing(ValueError("not yet"), times=1), retry=TWICE)
    await desk.put({"n": 1}, message_id="a", headers={wire.X_ATTEMPT: 1})  # as after a first try
    await bury(desk, reason=reason)
    await move_back(desk)

    async with desk.running(worker):
        await desk.has_done(2)
        [end] = await eventually(lambda: ends(desk))

    assert [(done.delivery.attempt, done.delivery.replays) for done in desk.done] == [(1, 1), (2, 1)]
    assert (end.job_id, end.replays) == ("a", 1)
    assert await outcomes(desk) == [("retried", 1), ("done", 1)]


async def test_one_that_dies_again_as_a_replay_is_counted_on_by_whoever_moves_it(desk: Desk) -> None:
    worker = desk.worker(failing(ValueError("not yet"), times=1), retry=RetryPolicy(attempts=1))
    await desk.put({"n": 1}, message_id="a")
    await bury(desk, reason="delivery_limit")
    await move_back(desk)
    async with desk.running(worker):
        letter = await eventually(lambda: look(desk))
    assert letter.headers[wire.X_REPLAYS] == 1
    await move_back(desk)
    await bury(desk, reason="rejected")  # by the broker, while it is a replay of what a worker buried

    letter = await look(desk)
    told = read_dead_letter(Envelope(letter.headers, wire.DEAD_LETTERS, desk.queue, "a"))
    assert told.replays == 2
    host = desk.station.vhost.amqp_url
    await replay(host, target_of(wire.dead_queue(desk.queue)), Selection(), pace=Pace(), watch=Watch())
    async with desk.running(worker):
        [end] = await eventually(lambda: ends(desk))

    assert end.replays == 3


async def test_it_is_a_replay_still_after_it_waited(desk: Desk) -> None:
    waits = [Postponed("not now", wait=timedelta(seconds=1))]

    async def wait_first(_job: Chore, _delivery: Delivery) -> None:
        if waits:
            raise waits.pop()

    worker = desk.worker(wait_first)
    await desk.put({"n": 1}, message_id="a")
    await bury(desk, reason="rejected")
    await move_back(desk)

    async with desk.running(worker):
        [end] = await eventually(lambda: ends(desk))

    assert (len(desk.done), end.replays, end.attempts) == (2, 1, 1)


async def outcomes(desk: Desk) -> list[Any]:
    """The tries that were written down: how each ended, as the how-manieth replay."""
    database = Database(desk.station.settings(desk.data_dir).service_database_url("test"), "test")
    try:
        return list(
            await database.run(
                lambda connection: [
                    tuple(row) for row in connection.execute(text("SELECT outcome, replays FROM history ORDER BY id"))
                ]
            )
        )
    finally:
        await database.close()
