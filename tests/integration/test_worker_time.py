"""Later, and not too late: `delay-seconds` and `expires-at`."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.retries import RetryPolicy, fixed
from shared.worker import Delivery
from tests.support.worker import Chore, Desk


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


@pytest.mark.alone
async def test_delayed_messages_are_done_within_a_second_of_their_time(desk: Desk) -> None:
    delays: list[Any] = [0, 1, 3, 10, 0.5, "2", 3.7]

    async with desk.running(desk.worker()):
        put_at = time.time()
        for n, delay in enumerate(delays):
            # Each with a clone that carries the publisher's clock, as most clients send it: whole seconds.
            await desk.put({"n": n}, headers={"delay-seconds": delay})
            await desk.put({"n": n}, headers={"delay-seconds": delay}, timestamp=datetime.now(UTC))
        await desk.has_done(2 * len(delays), within=20)

    for done in desk.done:
        delay = float(delays[done.n])
        assert delay <= done.at - put_at < delay + 1.2, f"{delay} s took {done.at - put_at:.2f} s"
    first = desk.done[-1].delivery
    assert (first.headers["x-exchange"], first.headers["x-routing-key"]) == ("jobs", desk.queue)
    assert first.attempt == 1  # waiting is no try
    assert await desk.depth() == 0


async def test_a_delay_is_waited_for_once_although_the_message_fails_and_is_replayed(desk: Desk) -> None:
    async def fail_twice(_job: Chore, _delivery: Delivery) -> None:
        if len(desk.done) <= 2:
            raise ValueError("no")

    async with desk.running(desk.worker(fail_twice, retry=RetryPolicy(2, fixed(timedelta(seconds=1))))):
        put_at = time.time()
        await desk.put({}, headers={"delay-seconds": 3})
        letter = await desk.dead_letter()
        await desk.put(letter.body, headers=dict(letter.headers), message_id=letter.message_id)
        await desk.has_done(3)

    assert [round(done.at - put_at) for done in desk.done] in ([3, 4, 4], [3, 4, 5])
    assert (letter.headers["x-exchange"], letter.headers["x-routing-key"]) == ("jobs", desk.queue)


async def test_time_in_the_queue_counts_towards_the_delay(desk: Desk) -> None:
    worker = desk.worker()
    await desk.put({"n": 1}, headers={"delay-seconds": 60}, timestamp=datetime.now(UTC) - timedelta(seconds=70))
    await desk.put({"n": 2}, headers={"delay-seconds": 60}, timestamp=datetime.now(UTC) - timedelta(seconds=58))
    put_at = time.time()

    async with desk.running(worker):
        await desk.has_done(2)

    assert [done.n for done in desk.done] == [1, 2]
    assert desk.done[1].at - put_at < 5


@pytest.mark.parametrize(
    "expires_at",
    [
        pytest.param(in_seconds(-1), id="a second ago"),
        pytest.param("1999-12-31T23:59:59Z", id="long ago"),
        pytest.param("2020-01-01T01:00:00+01:00", id="with another offset"),
    ],
)
async def test_an_expired_message_is_never_done(desk: Desk, expires_at: str) -> None:
    async with desk.running(desk.worker()):
        await desk.put({"n": 1}, message_id="a", headers={"expires-at": expires_at})
        letter = await desk.dead_letter()

    assert desk.done == []
    assert letter.headers["x-error-type"] == "Expired"
    assert letter.headers["expires-at"] == expires_at


async def test_a_message_that_has_not_expired_is_done(desk: Desk) -> None:
    async with desk.running(desk.worker()):
        await desk.put({"n": 1}, headers={"expires-at": in_seconds(60)})
        await desk.put({"n": 2}, headers={"expires-at": "2999-12-31T23:59:59+14:00"})
        await desk.has_done(2)


async def test_a_message_that_expires_during_its_delay_is_not_done(desk: Desk) -> None:
    async with desk.running(desk.worker()):
        await desk.put({}, headers={"delay-seconds": 2, "expires-at": in_seconds(1)})
        letter = await desk.dead_letter()

    assert (desk.done, letter.headers["x-error-type"]) == ([], "Expired")


async def test_a_message_that_expires_while_it_waits_for_its_next_try_is_not_tried(desk: Desk) -> None:
    async def fail(_job: Chore, _delivery: Delivery) -> None:
        raise ValueError("no")

    async with desk.running(desk.worker(fail, retry=RetryPolicy(5, fixed(timedelta(seconds=2))))):
        await desk.put({}, headers={"expires-at": in_seconds(1)})
        letter = await desk.dead_letter()

    assert (len(desk.done), letter.headers["x-error-type"]) == (1, "Expired")


async def test_a_message_that_expired_while_nobody_worked_is_not_done(desk: Desk) -> None:
    worker = desk.worker()
    await desk.put({}, headers={"expires-at": in_seconds(0.2)})
    await asyncio.sleep(0.3)  # the time that passes is what is tested

    async with desk.running(worker):
        letter = await desk.dead_letter()

    assert (desk.done, letter.headers["x-error-type"]) == ([], "Expired")
