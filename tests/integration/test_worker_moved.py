"""Messages that the broker itself buried, and that a person moves back with the management UI."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from aio_pika.abc import AbstractIncomingMessage
from sqlalchemy import text

from postroom import wire
from postroom.operator.dead_letters import ReplayRate, RunControl, Selection, replay, target_of
from postroom.storage.database import Database
from postroom.testing import eventually
from postroom.wire.dead_letter import Envelope, read_dead_letter
from postroom.wire.errors import Postponed
from postroom.wire.messages import JobCompleted
from postroom.wire.retries import RetryPolicy, fixed
from postroom.worker import Delivery
from tests.support.moving import move_messages
from tests.support.worker import Chore, WorkerHarness, failing

TWICE = RetryPolicy(attempts=2, backoff=fixed(timedelta(seconds=1)))
LISTENER = {"x-queue-type": "quorum"}


async def bury(harness: WorkerHarness, *, reason: str) -> None:
    """Take what waits in the queue, until the broker buries it for this reason."""
    source = await harness.channel.get_queue(harness.queue, ensure=False)

    async def is_dead() -> bool:
        message = await source.get(fail=False)
        if message is not None:
            await message.reject(requeue=reason == "delivery_limit")
        return await harness.depth(wire.dead_queue(harness.queue)) == 1

    await eventually(is_dead)
    letter = await look(harness)
    assert [death["reason"] for death in letter.headers["x-death"]] == [reason]


async def look(harness: WorkerHarness) -> AbstractIncomingMessage:
    """The dead letter, left where it is."""
    source = await harness.channel.get_queue(wire.dead_queue(harness.queue), ensure=False)
    letter = await eventually(lambda: source.get(fail=False))
    await letter.nack(requeue=True)
    await eventually(lambda: harness.depth(wire.dead_queue(harness.queue)))
    return letter


async def move_back(harness: WorkerHarness) -> None:
    await move_messages(harness.worker_vhost.vhost, wire.dead_queue(harness.queue), harness.queue)


async def ends(harness: WorkerHarness) -> list[JobCompleted]:
    """The `job.completed` events of this harness's messages."""
    told = await harness.channel.get_queue(f"ends.{harness.queue}", ensure=False)
    found = []
    while (message := await told.get(no_ack=True, fail=False)) is not None:
        found.append(JobCompleted.model_validate(orjson.loads(message.body)))
    return [event for event in found if event.queue == harness.queue]


@pytest.fixture
async def harness(harness: WorkerHarness) -> WorkerHarness:
    """One that hears of ends."""
    listener = await harness.channel.declare_queue(f"ends.{harness.queue}", durable=True, arguments=LISTENER)
    await listener.bind(wire.EVENTS, JobCompleted.kind)
    return harness


@pytest.mark.parametrize("reason", ["delivery_limit", "rejected"])
async def test_a_moved_message_that_the_broker_buried_has_fresh_attempts_and_its_end_is_told(
    harness: WorkerHarness, reason: str
) -> None:
    worker = harness.worker(failing(ValueError("not yet"), times=1), retry=TWICE)
    await harness.put({"n": 1}, message_id="a", headers={wire.X_ATTEMPT: 1})  # as after a first try
    await bury(harness, reason=reason)
    await move_back(harness)

    async with harness.running(worker):
        await harness.has_done(2)
        [end] = await eventually(lambda: ends(harness))

    assert [(done.delivery.attempt, done.delivery.replays) for done in harness.done] == [(1, 1), (2, 1)]
    assert (end.job_id, end.replays) == ("a", 1)
    assert await outcomes(harness) == [("retried", 1), ("done", 1)]


async def test_one_that_dies_again_as_a_replay_is_counted_on_by_whoever_moves_it(harness: WorkerHarness) -> None:
    worker = harness.worker(failing(ValueError("not yet"), times=1), retry=RetryPolicy(attempts=1))
    await harness.put({"n": 1}, message_id="a")
    await bury(harness, reason="delivery_limit")
    await move_back(harness)
    async with harness.running(worker):
        letter = await eventually(lambda: look(harness))
    assert letter.headers[wire.X_REPLAYS] == 1
    await move_back(harness)
    await bury(harness, reason="rejected")  # by the broker, while it is a replay of what a worker buried

    letter = await look(harness)
    told = read_dead_letter(Envelope(letter.headers, wire.DEAD_LETTERS, harness.queue, "a"))
    assert told.replays == 2
    host = harness.worker_vhost.vhost.amqp_url
    await replay(host, target_of(wire.dead_queue(harness.queue)), Selection(), rate=ReplayRate(), control=RunControl())
    async with harness.running(worker):
        [end] = await eventually(lambda: ends(harness))

    assert end.replays == 3


async def test_it_is_a_replay_still_after_it_waited(harness: WorkerHarness) -> None:
    waits = [Postponed("not now", wait=timedelta(seconds=1))]

    async def wait_first(_job: Chore, _delivery: Delivery) -> None:
        if waits:
            raise waits.pop()

    worker = harness.worker(wait_first)
    await harness.put({"n": 1}, message_id="a")
    await bury(harness, reason="rejected")
    await move_back(harness)

    async with harness.running(worker):
        [end] = await eventually(lambda: ends(harness))

    assert (len(harness.done), end.replays, end.attempts) == (2, 1, 1)


async def outcomes(harness: WorkerHarness) -> list[Any]:
    """The tries that were written down: how each ended, as the how-manieth replay."""
    database = Database(harness.worker_vhost.settings(harness.data_dir).service_database_url("test"), "test")
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
