"""A provider that is away costs nothing: no attempt, no dead letter, no double."""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from postroom.runtime.circuit import LONGEST_PAUSE
from postroom.runtime.processing import execution
from postroom.runtime.serving import ServiceRunner
from postroom.testing import eventually
from postroom.wire.errors import PermanentFailure, Postponed, ProviderUnavailable, Throttled
from postroom.wire.retries import RetryPolicy, fixed
from postroom.worker import Delivery
from tests.support.http import http_client
from tests.support.worker import Chore, WorkerHarness, outcome_count

TWO_TRIES = RetryPolicy(attempts=2, backoff=fixed(timedelta(seconds=1)))


class Provider:
    """Away until a test says that it is back."""

    def __init__(self) -> None:
        self.is_away = True
        self.asked_in_vain = 0
        self.got = Counter[int]()

    async def do(self, job: Chore, _delivery: Delivery) -> None:
        if self.is_away:
            self.asked_in_vain += 1
            raise ProviderUnavailable("refused")
        self.got[job.n] += 1


async def test_no_message_loses_an_attempt_while_the_provider_is_away(harness: WorkerHarness) -> None:
    provider = Provider()

    async with harness.running(harness.worker(provider.do, retry=TWO_TRIES, prefetch=20)) as service:
        for n in range(100):
            await harness.put({"n": n}, message_id=f"m{n}")
        await eventually(lambda: outage_holds(service, 20))  # as many as are in work
        circuit = service.assemblies[0].circuit
        asked, probed = provider.asked_in_vain, circuit.failed_probes
        await eventually(lambda: circuit.failed_probes >= probed + 2)
        assert provider.asked_in_vain - asked == circuit.failed_probes - probed  # one probe at a time
        provider.is_away = False
        await harness.counted(done=100, retried=0, dead=0)

    assert provider.got == Counter(range(100))
    assert {done.delivery.attempt for done in harness.done} == {1}
    assert await harness.depth() == 0


async def test_readyz_tells_of_the_outage_without_being_unready(harness: WorkerHarness) -> None:
    provider = Provider()

    async def told(*, is_open: bool) -> dict[str, Any]:
        async with http_client() as client:
            answer = await client.get(f"{service.health.url}/readyz")
        assert answer.status_code == 200
        assert ("outage" in answer.json()) is is_open
        return dict(answer.json().get("outage", {}))

    async with harness.running(harness.worker(provider.do, prefetch=5)) as service:
        assert await told(is_open=False) == {}
        for n in range(5):
            await harness.put({"n": n}, message_id=f"r{n}")
        await eventually(lambda: told(is_open=True))
        outage = await told(is_open=True)
        assert outage["reason"] == "refused"
        assert 0 <= outage["next_probe_seconds"] <= LONGEST_PAUSE.total_seconds()
        await eventually(lambda: next_probe_is_ahead(told))
        provider.is_away = False
        await harness.counted(done=5)
        assert await told(is_open=False) == {}


async def next_probe_is_ahead(told: Any) -> bool:
    return bool((await told(is_open=True))["next_probe_seconds"] > 0)


async def test_a_message_that_fails_while_others_get_through_uses_its_attempts(harness: WorkerHarness) -> None:
    async def do(job: Chore, _delivery: Delivery) -> None:
        if job.n == 13:
            raise ProviderUnavailable("connection lost at message 13")

    async with harness.running(harness.worker(do, retry=TWO_TRIES)):
        publishing = asyncio.create_task(keep_publishing(harness))
        await harness.put({"n": 13}, message_id="bad")
        letter = await harness.dead_letter()
        publishing.cancel()

    assert (letter.message_id, letter.headers["x-attempt"]) == ("bad", 2)
    assert letter.headers["x-error-type"] == "ProviderUnavailable"


async def keep_publishing(harness: WorkerHarness) -> None:
    while True:
        await harness.put({"n": 1})
        await asyncio.sleep(0.05)


async def test_a_message_that_is_wrong_dies_although_the_provider_was_away(harness: WorkerHarness) -> None:
    provider = Provider()

    async def do(job: Chore, delivery: Delivery) -> None:
        await provider.do(job, delivery)
        if job.n == 13:
            raise PermanentFailure("no such number")

    async with harness.running(harness.worker(do, retry=TWO_TRIES)):
        for n in (12, 13, 14):
            await harness.put({"n": n})
        await eventually(lambda: provider.asked_in_vain)
        provider.is_away = False
        letter = await harness.dead_letter()
        await harness.counted(done=2, dead=1)

    assert (letter.headers["x-error"], letter.headers["x-attempt"]) == ("no such number", 1)


async def test_when_the_provider_asks_for_a_pause_all_wait(harness: WorkerHarness) -> None:
    throttled_until: list[float] = []
    called_at: list[float] = []

    async def do(_job: Chore, _delivery: Delivery) -> None:
        called_at.append(time.monotonic())
        if not throttled_until:
            throttled_until.append(time.monotonic() + 2)
            raise Throttled("429", retry_after=timedelta(seconds=2))

    async with harness.running(harness.worker(do, retry=TWO_TRIES, prefetch=1)):
        for n in range(5):
            await harness.put({"n": n})
        await harness.counted(done=5, retried=0)

    assert len(called_at) == 6
    assert all(at >= throttled_until[0] for at in called_at[1:])


async def test_a_postponed_message_comes_again_with_all_its_attempts(harness: WorkerHarness) -> None:
    async def postpone_twice(_job: Chore, _delivery: Delivery) -> None:
        if len(harness.done) <= 2:
            raise Postponed("not now", wait=timedelta(seconds=1))

    async with harness.running(harness.worker(postpone_twice, retry=RetryPolicy(attempts=1))):
        await harness.put({}, message_id="a")
        await harness.counted(done=1, postponed=2, dead=0)

    assert [done.delivery.attempt for done in harness.done] == [1, 1, 1]
    assert [done.waited for done in harness.done] == [0, 1, 1]


async def test_what_expires_during_an_outage_is_not_done_late(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Provider()
    expires_at = datetime.now(UTC) + timedelta(minutes=5)

    async with harness.running(harness.worker(provider.do)):
        await harness.put({}, headers={"expires-at": expires_at.isoformat()})
        await eventually(lambda: provider.asked_in_vain)
        let_pass(timedelta(minutes=6), monkeypatch)
        provider.is_away = False
        letter = await harness.dead_letter()

    assert letter.headers["x-error-type"] == "Expired"
    assert not provider.got


def let_pass(time_that_passes: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the clock ahead by which a message expires. Less than LONGEST_HOLD, or what is held would go round."""
    ahead = time_that_passes.total_seconds()
    clock = SimpleNamespace(time=lambda: time.time() + ahead, perf_counter=time.perf_counter)
    monkeypatch.setattr(execution, "time", clock)


async def test_what_is_held_too_long_goes_round_the_ladder_whose_turn_it_may_be(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest_hold = execution.LONGEST_HOLD
    monkeypatch.setattr(execution, "LONGEST_HOLD", timedelta(seconds=1))
    provider = Provider()

    async with harness.running(harness.worker(provider.do, retry=TWO_TRIES)):
        for n in range(20):
            await harness.put({"n": n}, message_id=f"h{n}")
        await eventually(lambda: outcome_count(harness.queue, "postponed") >= 20)
        monkeypatch.setattr(execution, "LONGEST_HOLD", longest_hold)
        provider.is_away = False
        await harness.counted(done=20, retried=0, dead=0)

    assert provider.got == Counter(range(20))


async def test_a_worker_that_dies_while_its_messages_wait_died_of_none_of_them(harness: WorkerHarness) -> None:
    provider = Provider()

    async with harness.running(harness.worker(provider.do)) as service:
        for n in range(3):
            await harness.put({"n": n}, message_id=f"w{n}")
        assert service.assemblies[0].inbox is not None
        await eventually(lambda: starts_of(service, waiting=3))
        provider.is_away = False
        await harness.counted(done=3)
        await eventually(lambda: starts_of(service, waiting=0))


async def test_what_waits_is_done_once_whatever_happens_to_the_connection(harness: WorkerHarness) -> None:
    provider = Provider()

    async with harness.running(harness.worker(provider.do)) as service:
        await harness.put({"n": 1})  # without an id: the inbox cannot tell it from another
        await harness.put({"n": 2}, message_id="two")
        for _ in range(2):
            await eventually(lambda: outage_holds(service, 2))
            returned = outcome_count(harness.queue, "returned")
            await harness.close_connections("test consumes")
            await eventually(lambda before=returned: outcome_count(harness.queue, "returned") == before + 2)
        await eventually(lambda: outage_holds(service, 2))
        provider.is_away = False
        await harness.counted(done=2, duplicate=0)

    assert provider.got == Counter((1, 2))


def outage_holds(service: ServiceRunner, count: int) -> bool:
    """Whether so many messages wait for their provider."""
    outage = service.assemblies[0].circuit.outage
    return outage is not None and outage.held == count


async def starts_of(service: ServiceRunner, *, waiting: int) -> bool:
    """Whether so many messages are in the inbox and count as not begun, but for the one that probes."""
    assert service.assemblies[0].inbox is not None
    rows = await service.assemblies[0].inbox._database.run(
        lambda connection: connection.execute(text("SELECT starts FROM inbox WHERE state = 'started'")).scalars().all()
    )
    assert len(rows) == waiting
    return sum(rows) <= 1


async def test_a_service_that_stops_gives_back_at_once_what_waits_for_its_provider(harness: WorkerHarness) -> None:
    provider = Provider()

    async with harness.running(harness.worker(provider.do), drain_seconds=3600) as service:
        for n in range(10):
            await harness.put({"n": n}, message_id=f"m{n}")
        await harness.has_in_work(10)
        service.stop()
        try:
            await harness.has_depth(10)  # though what is in work may take an hour, and the provider never comes
        finally:
            provider.is_away = False
    assert not provider.got

    async with harness.running(harness.worker(provider.do)):  # nothing is held by the process that went
        await harness.counted(done=10)
    assert provider.got == Counter(range(10))
