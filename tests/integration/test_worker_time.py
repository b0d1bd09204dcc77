"""Later, and not too late: `delay-seconds` and `expires-at`.

How long a message has waited is read from the broker's record of the delay ladder: a slow machine adds nothing to that.
"""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from postroom.runtime.processing import execution
from postroom.testing import eventually
from postroom.wire.retries import RetryPolicy, fixed
from postroom.worker import Delivery
from tests.support.worker import Chore, WorkerHarness, outcome_count

ALMOST = 0.95  # of each second: the broker's clock is not ours


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def test_delayed_messages_wait_for_their_delay_on_the_ladder_and_are_never_early(harness: WorkerHarness) -> None:
    delays: list[Any] = [0, 1, 3, 6, 0.5, "2", 3.7]
    put_at = {}

    async with harness.running(harness.worker()):
        for n, delay in enumerate(delays):
            put_at[n] = time.monotonic()
            # Each with clones that carry a publisher's clock, as most clients send it: whole seconds, or wrong.
            for clock in ({}, {"timestamp": datetime.now(UTC)}, {"timestamp": datetime.now(UTC) + timedelta(hours=1)}):
                await harness.put({"n": n}, headers={"delay-seconds": delay}, **clock)
        await harness.has_done(3 * len(delays))

    for done in harness.done:
        delay, timestamp = float(delays[done.n]), done.delivery.timestamp
        assert done.at - put_at[done.n] >= done.waited * ALMOST
        if timestamp is None or timestamp > datetime.now(UTC):
            assert done.waited == math.ceil(delay)
        else:  # an age of two seconds and more counts
            assert done.waited <= math.ceil(delay)
            assert done.delivery.received_at - timestamp.timestamp() >= delay * ALMOST
    last = harness.done[-1].delivery
    assert (last.headers["x-exchange"], last.headers["x-routing-key"]) == ("jobs", harness.queue)
    assert last.attempt == 1  # waiting is no try
    assert await harness.depth() == 0


async def test_a_delay_is_waited_for_once_although_the_message_fails_and_is_replayed(harness: WorkerHarness) -> None:
    async def fail_twice(_job: Chore, _delivery: Delivery) -> None:
        if len(harness.done) <= 2:
            raise ValueError("no")

    async with harness.running(harness.worker(fail_twice, retry=RetryPolicy(2, fixed(timedelta(seconds=1))))):
        put_at = time.monotonic()
        await harness.put({}, headers={"delay-seconds": 3})
        letter = await harness.dead_letter()
        await harness.put(letter.body, headers=dict(letter.headers), message_id=letter.message_id)
        await harness.has_done(3)

    assert [done.waited for done in harness.done] == [3, 1, 0]
    assert harness.done[0].at - put_at >= 3 * ALMOST
    assert harness.done[1].at - harness.done[0].at >= ALMOST
    assert (letter.headers["x-exchange"], letter.headers["x-routing-key"]) == ("jobs", harness.queue)


async def test_time_in_the_queue_counts_towards_the_delay(harness: WorkerHarness) -> None:
    worker = harness.worker()
    now = datetime.now(UTC).replace(microsecond=0)
    due = {1: now - timedelta(seconds=10), 2: now + timedelta(seconds=2)}
    for n, moment in due.items():
        await harness.put({"n": n}, headers={"delay-seconds": 3600}, timestamp=moment - timedelta(seconds=3600))

    async with harness.running(worker):
        await harness.has_done(2)

    waited = {done.n: done.waited for done in harness.done}
    assert waited[1] == 0
    assert waited[2] <= 2
    assert all(done.delivery.received_at >= due[done.n].timestamp() for done in harness.done)


@pytest.mark.parametrize(
    "expires_at",
    [
        pytest.param(lambda: in_seconds(-1), id="a second ago"),
        pytest.param(lambda: "1999-12-31T23:59:59Z", id="long ago"),
        pytest.param(lambda: "2020-01-01T01:00:00+01:00", id="with another offset"),
    ],
)
async def test_an_expired_message_is_never_done(harness: WorkerHarness, expires_at: Callable[[], str]) -> None:
    moment = expires_at()
    async with harness.running(harness.worker()):
        await harness.put({"n": 1}, message_id="a", headers={"expires-at": moment})
        letter = await harness.dead_letter()

    assert harness.done == []
    assert letter.headers["x-error-type"] == "Expired"
    assert letter.headers["expires-at"] == moment


async def test_a_message_that_has_not_expired_is_done(harness: WorkerHarness) -> None:
    async with harness.running(harness.worker()):
        await harness.put({"n": 1}, headers={"expires-at": in_seconds(3600)})
        await harness.put({"n": 2}, headers={"expires-at": "2999-12-31T23:59:59+14:00"})
        await harness.has_done(2)


async def test_a_message_that_expires_during_its_delay_is_not_done(harness: WorkerHarness) -> None:
    async with harness.running(harness.worker()):
        await harness.put({}, headers={"delay-seconds": 2, "expires-at": in_seconds(1)})
        letter = await harness.dead_letter()

    assert (harness.done, letter.headers["x-error-type"]) == ([], "Expired")
    assert outcome_count(harness.queue, "postponed") == 1


async def test_a_message_that_expires_while_it_waits_for_its_next_try_is_not_tried(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours_later = SimpleNamespace(time=lambda: time.time() + 7200, perf_counter=time.perf_counter)

    async def fail(_job: Chore, _delivery: Delivery) -> None:
        monkeypatch.setattr(execution, "time", hours_later)
        raise ValueError("no")

    async with harness.running(harness.worker(fail, retry=RetryPolicy(5, fixed(timedelta(seconds=1))))):
        await harness.put({}, headers={"expires-at": in_seconds(3600)})
        letter = await harness.dead_letter()

    assert (len(harness.done), letter.headers["x-error-type"]) == (1, "Expired")


async def test_a_message_that_expired_while_nobody_worked_is_not_done(harness: WorkerHarness) -> None:
    worker = harness.worker()
    expires_at = datetime.now(UTC) + timedelta(seconds=0.2)
    await harness.put({}, headers={"expires-at": expires_at.isoformat()})
    await eventually(lambda: datetime.now(UTC) > expires_at)

    async with harness.running(worker):
        letter = await harness.dead_letter()

    assert (harness.done, letter.headers["x-error-type"]) == ([], "Expired")
