"""Whether a failure is the provider's, the message's, or says nothing about either. Time is virtual: conftest.py."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from postroom.runtime import circuit as circuit_module
from postroom.runtime.circuit import CircuitBreaker
from postroom.runtime.consuming.acknowledgement import Acknowledger
from postroom.runtime.inbox import Inbox
from postroom.runtime.processing.execution import Executor
from postroom.runtime.processing.poison import PoisonDetector
from postroom.runtime.work import Work
from postroom.testing import eventually
from postroom.wire.errors import Expired, PermanentFailure, ProviderUnavailable, Requeued, Throttled, TimeLimitExceeded
from postroom.wire.messages import Job
from postroom.worker import Delivery, ProviderContact, Worker
from postroom.worker.delivery import MessageOptions

Do = Callable[[str, Delivery], Awaitable[ProviderContact | None]]


class Ring(Job):
    """Ring a bell."""

    kind = "bell.ring"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_module, "FIRST_PAUSE", timedelta(milliseconds=10))
    monkeypatch.setattr(circuit_module, "LONGEST_PAUSE", timedelta(milliseconds=40))


class _Acks:
    """A channel that stays."""

    def __init__(self) -> None:
        self.closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def gone(self) -> "asyncio.Future[None]":
        return asyncio.shield(self.closing)


class Belfry:
    """Messages by name, tried side by side by one process."""

    def __init__(self, do: Do, **options: Any) -> None:
        async def ring(name: str, delivery: Delivery) -> ProviderContact | None:
            return await do(name, delivery)

        worker = Worker("bells")
        worker.handles(Ring, **options)(ring)
        self.circuit = CircuitBreaker("test")
        self.acks = _Acks()
        self.began: list[str] = []
        self.ended: dict[str, Exception | None] = {}
        # Nothing here has an id: the inbox is not asked.
        self._subscription = worker.subscriptions["bell.ring"]
        self._executor = Executor(self._subscription, {}, self.circuit, cast("Inbox", None))
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def put(self, *names: str, expires_at: datetime | None = None) -> None:
        for name in names:
            self._tasks[name] = asyncio.create_task(
                self._run(name, MessageOptions.model_validate({"expires-at": expires_at}))
            )

    async def end_of(self, name: str) -> Exception | None:
        await eventually(lambda: name in self.ended)
        return self.ended[name]

    async def failed_probes(self, count: int) -> None:
        """Wait until so many more found the provider away."""
        before = self.circuit.failed_probes
        await eventually(lambda: self.circuit.failed_probes >= before + count)

    async def _run(self, name: str, options: MessageOptions) -> None:
        delivery = Delivery("bell.ring", b"{}", None, None, {}, "jobs", "bell.ring", 1)
        work = Work(self._subscription, delivery, options, message=name)
        self.ended[name] = await self._executor.execute(work, cast("Acknowledger", self.acks))

    async def stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


@asynccontextmanager
async def belfry(do: Do, **options: Any) -> AsyncIterator[Belfry]:
    made = Belfry(do, **options)
    try:
        yield made
    finally:
        await made.stop()


async def test_messages_that_end_without_the_provider_cost_those_that_wait_for_it_nothing() -> None:
    is_away, probed = True, 0

    async def do(name: str, _delivery: Delivery) -> ProviderContact:
        nonlocal probed
        if name.startswith("suppressed"):
            probed += 1
            raise PermanentFailure("on the list; the server was not asked")
        if name.startswith("sent before"):
            probed += 1
            return ProviderContact.NOT_ASKED
        if is_away:
            raise ProviderUnavailable("refused")
        return ProviderContact.ANSWERED

    async with belfry(do) as bells:
        held = [f"mail {n}" for n in range(20)]
        bells.put(*held)
        await eventually(lambda: bells.circuit.outage and bells.circuit.outage.held == 20)
        bells.put(*(f"suppressed {n}" for n in range(10)), *(f"sent before {n}" for n in range(10)))
        await eventually(lambda: probed == 20)
        await bells.failed_probes(20)

        assert bells.circuit.is_open
        assert bells.ended.keys().isdisjoint(held)
        is_away = False
        assert [await bells.end_of(name) for name in held] == [None] * 20


async def test_messages_the_server_will_not_have_by_themselves_stop_the_others_for_moments_only() -> None:
    async def do(name: str, _delivery: Delivery) -> None:
        await asyncio.sleep(0)
        if name.startswith("bad"):
            raise ProviderUnavailable("421 to this recipient")

    async with belfry(do) as bells:
        bad, good = [f"bad {n}" for n in range(20)], itertools.count()
        bells.put(*bad)
        while not bells.ended.keys() >= set(bad):
            bells.put(f"good {next(good)}")
            await asyncio.sleep(0.001)

    assert {str(bells.ended[name]) for name in bad} == {"421 to this recipient"}
    assert {error for name, error in bells.ended.items() if name not in bad} == {None}


async def test_they_end_too_where_few_others_come() -> None:
    async def do(name: str, _delivery: Delivery) -> None:
        if name.startswith("bad"):
            raise ProviderUnavailable("421 to this recipient")

    async with belfry(do) as bells:
        bells.put("bad 1", "bad 2", "bad 3")
        for n in range(PoisonDetector.POISON_STRIKES):
            await bells.failed_probes(3)
            bells.put(f"good {n}")
            assert await bells.end_of(f"good {n}") is None

        assert [str(await bells.end_of(f"bad {n}")) for n in (1, 2, 3)] == ["421 to this recipient"] * 3


async def test_a_provider_that_comes_and_goes_costs_no_message_an_attempt() -> None:
    takes = 0

    async def do(_name: str, _delivery: Delivery) -> None:
        nonlocal takes
        await asyncio.sleep(0)
        if takes <= 0:
            raise ProviderUnavailable("refused")
        takes -= 1

    async with belfry(do) as bells:
        bells.put(*(f"mail {n}" for n in range(40)))
        for _ in range(PoisonDetector.POISON_STRIKES - 1):  # it takes eight, and dies until some have found out
            await bells.failed_probes(2)
            takes = 8
        await eventually(lambda: len(bells.ended) == 40)

    assert set(bells.ended.values()) == {None}


async def test_a_moment_s_interruption_costs_nobody_an_attempt() -> None:
    seen: set[str] = set()

    async def do(name: str, _delivery: Delivery) -> None:
        if name not in seen and name != "later":
            seen.add(name)
            raise ProviderUnavailable("the connection was closed")

    async with belfry(do) as bells:
        bells.put(*(f"mail {n}" for n in range(20)))
        await eventually(lambda: len(seen) == 20)
        bells.put("later")
        await eventually(lambda: len(bells.ended) == 21)

    assert set(bells.ended.values()) == {None}


async def test_what_expired_meanwhile_takes_no_time_from_the_others() -> None:
    done_at, loop = 0.0, asyncio.get_running_loop()

    async def do(name: str, _delivery: Delivery) -> None:
        nonlocal done_at
        if name.startswith("late"):
            raise Expired("too late")
        done_at = loop.time()

    async with belfry(do) as bells:
        bells.circuit.record_outage("away", None, is_probe=False)
        bells.put(*(f"late {n}" for n in range(500)), "good")
        began = loop.time()
        assert await bells.end_of("good") is None

    assert len(bells.ended) == 501
    assert done_at - began == pytest.approx(circuit_module.FIRST_PAUSE.total_seconds())  # one for all, not for each


async def test_work_without_a_provider_is_held_for_none() -> None:
    async def do(name: str, _delivery: Delivery) -> None:
        if name == "back-up":
            raise ProviderUnavailable("the storage is away")

    async with belfry(do, needs_provider=False) as bells:
        bells.circuit.record_outage("another's provider is away", timedelta(minutes=1), is_probe=False)
        bells.put("back-up", "clean")

        assert isinstance(await bells.end_of("back-up"), ProviderUnavailable)
        assert await bells.end_of("clean") is None
        assert bells.circuit.failed_probes == 0


@pytest.mark.parametrize("needs_provider", [True, False])
async def test_what_has_expired_is_not_begun(needs_provider: bool) -> None:
    async def do(_name: str, _delivery: Delivery) -> None:
        pytest.fail("begun")

    async with belfry(do, needs_provider=needs_provider) as bells:
        bells.put("late", expires_at=datetime(2026, 1, 1, tzinfo=UTC))

        assert isinstance(await bells.end_of("late"), Expired)


async def test_a_time_limit_that_ends_while_the_provider_is_away_is_not_the_message_s() -> None:
    is_away = True

    async def do(name: str, _delivery: Delivery) -> None:
        if name == "refused":
            raise ProviderUnavailable("refused")
        if is_away:
            await asyncio.Event().wait()

    async with belfry(do, time_limit=timedelta(milliseconds=50)) as bells:
        bells.put("waits for a connection")
        await asyncio.sleep(0)
        bells.put("refused")
        await eventually(lambda: bells.circuit.outage and bells.circuit.outage.held == 2)
        is_away = False
        bells.put("good")
        assert await bells.end_of("waits for a connection") is None

    async with belfry(do, time_limit=timedelta(milliseconds=50)) as bells:
        is_away = True
        bells.put("hangs")
        assert isinstance(await bells.end_of("hangs"), TimeLimitExceeded)


async def test_what_the_broker_has_taken_back_is_not_done_any_more() -> None:
    async def do(name: str, _delivery: Delivery) -> None:
        bells.began.append(name)
        if len(bells.began) == 1:
            raise Throttled("429", retry_after=timedelta(minutes=1))

    async with belfry(do) as bells:
        bells.put("first")
        await eventually(lambda: bells.circuit.outage and bells.circuit.outage.held)

        bells.acks.closing.set_result(None)

        assert isinstance(await bells.end_of("first"), Requeued)
    assert bells.began == ["first"]
