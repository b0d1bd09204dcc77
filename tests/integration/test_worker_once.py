"""The same message twice is done once: in one process, in two, at the same moment, on both databases."""

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postroom.testing import eventually
from postroom.wire.retries import RetryPolicy, fixed
from postroom.worker import Delivery
from tests.support.worker import Chore, WorkerHarness, WorkerVhost, harness_at

RETRY = RetryPolicy(attempts=2, backoff=fixed(timedelta(seconds=1)))


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Where both workers remember what was done."""
    if request.param == "postgresql":
        return {"database_url": request.getfixturevalue("postgres_url")}
    return {}


async def test_a_message_that_was_done_is_acknowledged_and_not_done_again(
    harness: WorkerHarness, settings: dict[str, Any]
) -> None:
    async with harness.running(harness.worker(), **settings):
        await harness.put({"n": 1}, message_id="a")
        await harness.has_done(1)
        await harness.put({"n": 1}, message_id="a")
        await harness.put({"n": 2}, message_id="b")
        await harness.has_done(2)
    async with harness.running(harness.worker(), **settings):  # and remembered by the next process
        await harness.put({"n": 1}, message_id="a")
        await harness.put({"n": 3}, message_id="c")
        await harness.has_done(3)

    assert [done.message_id for done in harness.done] == ["a", "b", "c"]
    assert await harness.depth() == 0


async def test_the_same_id_on_another_queue_is_other_work(
    harness: WorkerHarness, worker_vhost: WorkerVhost, tmp_path: Path
) -> None:
    async with (
        harness_at(worker_vhost, tmp_path) as other,
        harness.running(harness.worker()),
        other.running(other.worker()),
    ):
        await harness.put({}, message_id="a")
        await other.put({}, message_id="a")
        await harness.has_done(1)
        await other.has_done(1)


async def test_many_twins_to_two_workers_at_the_same_moment_are_done_once_each(
    harness: WorkerHarness, settings: dict[str, Any]
) -> None:
    async def take_a_moment(_job: Chore, _delivery: Delivery) -> None:
        await asyncio.sleep(0.05)

    worker = harness.worker(take_a_moment, prefetch=20)
    async with harness.running(worker, **settings), harness.running(worker, **settings):
        twins = [f"m{n}" for n in range(60)] * 3
        await asyncio.gather(*(harness.put({}, message_id=twin) for twin in twins))
        await harness.counted(done=60, duplicate=120)

    assert Counter(done.message_id for done in harness.done) == Counter({f"m{n}": 1 for n in range(60)})
    assert await harness.depth() == 0


async def test_the_second_of_two_twins_waits_for_the_first_and_is_not_done(
    harness: WorkerHarness, settings: dict[str, Any]
) -> None:
    release = asyncio.Event()

    async def hold(_job: Chore, _delivery: Delivery) -> None:
        await release.wait()

    worker = harness.worker(hold, prefetch=1)
    async with harness.running(worker, **settings), harness.running(worker, **settings):
        await harness.put({}, message_id="a")
        await harness.has_done(1)
        await harness.put({}, message_id="a")  # goes to the other worker, as the first is busy
        await eventually(lambda: taken(harness))
        assert len(harness.done) == 1

        release.set()
        await harness.put({}, message_id="b")
        await harness.counted(done=2, duplicate=1)

    assert [done.message_id for done in harness.done] == ["a", "b"]


async def taken(harness: WorkerHarness) -> bool:
    return await harness.depth() == 0


async def test_a_first_that_failed_lets_the_second_be_work(harness: WorkerHarness, settings: dict[str, Any]) -> None:
    release = asyncio.Event()

    async def first_fails(_job: Chore, delivery: Delivery) -> None:
        if len(harness.done) == 1:
            await release.wait()
            raise ValueError("the first fails")

    # The first dies for good, so that no retry of it does the work instead of the second.
    worker = harness.worker(first_fails, prefetch=1, retry=RetryPolicy(attempts=1))
    async with harness.running(worker, **settings), harness.running(worker, **settings):
        await harness.put({"n": 1}, message_id="a")
        await harness.has_done(1)
        await harness.put({"n": 2}, message_id="a")
        await eventually(lambda: taken(harness))
        release.set()
        letter = await harness.dead_letter()
        await harness.has_done(2)

    assert letter.body == b'{"n": 1}'
    assert [done.n for done in harness.done] == [1, 2]


async def test_a_retry_and_its_twin_are_one_piece_of_work(harness: WorkerHarness) -> None:
    async def fail_once(_job: Chore, delivery: Delivery) -> None:
        if delivery.attempt == 1 and len(harness.done) == 1:
            await harness.put({"n": 2}, message_id="a")  # it is there before the second try of the first
            raise ValueError("not yet")

    async with harness.running(harness.worker(fail_once, retry=RETRY)):
        await harness.put({"n": 1}, message_id="a")
        await harness.counted(done=1, duplicate=1, retried=1)

    assert [done.n for done in harness.done] == [1, 2]


async def test_what_a_stopped_worker_gave_back_is_taken_by_the_other_at_once(
    harness: WorkerHarness, settings: dict[str, Any]
) -> None:
    stuck = asyncio.Event()

    async def first_is_stuck(_job: Chore, _delivery: Delivery) -> None:
        if len(harness.done) == 1:
            await stuck.wait()

    worker = harness.worker(first_is_stuck)
    async with harness.running(worker, drain_seconds=0.1, **settings):
        await harness.put({}, message_id="a")
        await harness.has_done(1)
    async with harness.running(worker, **settings):
        await harness.has_done(2)

    assert [done.message_id for done in harness.done] == ["a", "a"]
    assert harness.done[1].delivery.attempt == 1  # a stop is no failure of the message
