"""Messages that fail: tried again after their backoff, as often as they may be."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from postroom.wire.errors import TemporaryFailure
from postroom.wire.retries import RetryPolicy, exponential, fixed
from postroom.worker import Delivery
from tests.support.worker import Chore, WorkerHarness, failing

ALMOST = 0.95  # of each second: the broker's clock is not ours
QUICK = RetryPolicy(attempts=3, backoff=fixed(timedelta(seconds=1)))
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_what_fails_is_tried_again_after_its_backoff(harness: WorkerHarness) -> None:
    policy = RetryPolicy(attempts=3, backoff=exponential(timedelta(seconds=1)))

    async with harness.running(harness.worker(failing(ValueError("oops"), times=2), retry=policy)):
        await harness.put({"n": 1}, message_id="a")
        await harness.has_done(3)

    assert [done.delivery.attempt for done in harness.done] == [1, 2, 3]
    assert [done.waited for done in harness.done] == [0, 1, 2]
    assert all(later.at - earlier.at >= later.waited * ALMOST for earlier, later in pairwise(harness.done))
    assert await harness.depth(f"{harness.queue}.dead") == 0


async def test_a_retried_message_says_what_happened_and_keeps_what_it_had(harness: WorkerHarness) -> None:
    written_at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    put_at = time.time()

    async with harness.running(harness.worker(failing(ConnectionError("no route"), times=1), retry=QUICK)):
        await harness.put(
            {"n": 1, "extra": [1]},
            message_id="a",
            correlation_id="order-7",
            app_id="shop",
            timestamp=written_at,
            headers={"traceparent": TRACE, "tenant": "acme", "rate": 0.1, "raw": bytearray(b"\xff")},
        )
        await harness.has_done(2)

    again = harness.done[1].delivery
    assert (again.message_id, again.correlation_id, again.app_id) == ("a", "order-7", "shop")
    assert again.timestamp == written_at
    assert again.body == b'{"n": 1, "extra": [1]}'
    by_the_broker = ("x-death", "x-first-death", "x-last-death")
    ours = {name: value for name, value in again.headers.items() if name.startswith("x-")}
    ours = {name: value for name, value in ours.items() if not name.startswith(by_the_broker)}
    theirs = {name: value for name, value in again.headers.items() if not name.startswith("x-")}
    assert theirs == {"traceparent": TRACE, "tenant": "acme", "rate": 0.1, "raw": bytearray(b"\xff")}
    first_seen_at = datetime.fromisoformat(ours.pop("x-first-seen-at")).timestamp()
    assert put_at <= first_seen_at == pytest.approx(harness.done[0].delivery.received_at)
    assert ours == {
        "x-attempt": 1,
        "x-attempts": 3,
        "x-error-type": "ConnectionError",
        "x-error": "no route",
        "x-error-at": "tests.support.worker.failing.fail",
        "x-service": "test",
        "x-queue": harness.queue,
        "x-exchange": "jobs",
        "x-routing-key": harness.queue,
    }


@pytest.mark.parametrize(
    ("headers", "attempts", "seconds"),
    [
        ({"attempts": 1}, 1, 0),
        ({"attempts": 2, "backoff-seconds": 1}, 2, 1),
        ({"attempts": 3, "backoff": "exponential", "backoff-seconds": 1}, 3, 3),
        ({"attempts": "2", "backoff": "fixed", "backoff-seconds": "0.2"}, 2, 1),  # whole seconds, from text too
    ],
)
async def test_a_message_s_own_wishes_are_honoured(
    harness: WorkerHarness, headers: dict[str, Any], attempts: int, seconds: int
) -> None:
    async with harness.running(harness.worker(failing(ValueError("no")))):
        await harness.put({}, headers=headers)
        letter = await harness.dead_letter()

    assert len(harness.done) == attempts
    assert (letter.headers["x-attempt"], letter.headers["x-attempts"]) == (attempts, attempts)
    assert sum(done.waited for done in harness.done) == seconds
    assert harness.done[-1].at - harness.done[0].at >= seconds * ALMOST
    assert {name: letter.headers[name] for name in headers} == headers  # a replay has the same wishes


async def test_a_handler_can_ask_for_a_longer_wait(harness: WorkerHarness) -> None:
    error = TemporaryFailure("slow down", retry_after=timedelta(seconds=3))

    async with harness.running(harness.worker(failing(error, times=1), retry=QUICK)):
        await harness.put({})
        await harness.has_done(2)

    assert harness.done[1].waited == 3
    assert harness.done[1].at - harness.done[0].at >= 3 * ALMOST


async def test_a_handler_that_takes_too_long_is_stopped_and_tried_again(harness: WorkerHarness) -> None:
    stopped = []

    async def hang(_job: Chore, _delivery: Delivery) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.append(True)
            raise

    retry = RetryPolicy(attempts=2, backoff=fixed(timedelta(seconds=1)))
    async with harness.running(harness.worker(hang, time_limit=timedelta(seconds=0.3), retry=retry)):
        await harness.put({})
        letter = await harness.dead_letter()

    assert stopped == [True, True]
    assert letter.headers["x-error-type"] == "TimeLimitExceeded"
    assert letter.headers["x-error"] == "not finished within its time limit of 0.3 s"


async def test_a_slow_message_holds_up_nobody(harness: WorkerHarness) -> None:
    async def first_hangs(job: Chore, _delivery: Delivery) -> None:
        if job.n == 0:
            await asyncio.Event().wait()  # for ever: that the others are done shows that none waited for it

    async with harness.running(harness.worker(first_hangs, prefetch=10), drain_seconds=0.2):
        await asyncio.gather(*(harness.put({"n": n}, message_id=f"m{n}") for n in range(100)))
        await harness.has_done(100)

    await harness.has_depth(1)  # and none of the others was acknowledged in vain or left over
