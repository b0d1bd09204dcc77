"""Who may try while the provider is away, and when. Time is virtual, see conftest.py."""

import asyncio
from datetime import timedelta

import pytest

from postroom.runtime import circuit as circuit_module
from postroom.runtime.circuit import CircuitBreaker
from postroom.testing import eventually
from postroom.wire.errors import Requeued


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_module, "FIRST_PAUSE", timedelta(milliseconds=10))
    monkeypatch.setattr(circuit_module, "LONGEST_PAUSE", timedelta(milliseconds=40))


async def test_everybody_goes_ahead_while_the_provider_is_there() -> None:
    assert await CircuitBreaker("test").admit() is False


async def test_while_it_is_away_one_probes_and_the_others_wait() -> None:
    circuit = CircuitBreaker("test")
    circuit.record_outage("away", None, is_probe=False)
    turns = [asyncio.create_task(circuit.admit()) for _ in range(3)]

    done, waiting = await asyncio.wait(turns, timeout=0.2)

    assert [task.result() for task in done] == [True]
    circuit.record_success(is_probe=True)
    assert [await task for task in waiting] == [False, False]
    assert not circuit.is_open
    assert circuit.failed_probes == 0


async def test_a_probe_that_failed_waits_behind_the_others() -> None:
    circuit = CircuitBreaker("test")
    circuit.record_outage("away", None, is_probe=False)
    order: list[str] = []

    async def message(name: str) -> None:
        for has_failed in (False, True):
            assert await circuit.admit(has_failed=has_failed)
            order.append(name)
            circuit.record_outage("still away", None, is_probe=True)

    await asyncio.gather(message("a"), message("b"), message("c"))

    assert order == ["a", "b", "c", "a", "b", "c"]
    assert circuit.failed_probes == 6


async def test_what_has_not_failed_probes_before_what_has() -> None:
    circuit = CircuitBreaker("test")
    circuit.record_outage("away", None, is_probe=False)
    failed = [asyncio.create_task(circuit.admit(has_failed=True)) for _ in range(3)]
    await asyncio.sleep(0)
    fresh = asyncio.create_task(circuit.admit())

    assert await asyncio.wait_for(fresh, 1)
    assert not any(task.done() for task in failed)
    circuit.record_success(is_probe=True)
    assert await asyncio.gather(*failed) == [False] * 3


async def test_a_probe_that_says_nothing_makes_room_for_the_next() -> None:
    circuit = CircuitBreaker("test")
    circuit.record_outage("away", None, is_probe=False)

    first, second, third = (asyncio.create_task(circuit.admit()) for _ in range(3))
    assert await first
    circuit.record_outage("still away", timedelta(minutes=1), is_probe=True)
    circuit._pause_is_over()  # a minute later
    assert await second

    undecided_at = asyncio.get_running_loop().time()
    circuit.record_inconclusive(is_probe=True)

    assert await third
    assert asyncio.get_running_loop().time() == undecided_at  # not after one more pause


async def test_a_cancelled_probe_makes_room_for_the_next() -> None:
    circuit = CircuitBreaker("test")
    circuit.record_outage("away", None, is_probe=False)
    first, second = (asyncio.create_task(circuit.admit()) for _ in range(2))
    first.add_done_callback(lambda _: None)
    await asyncio.sleep(0)
    first.cancel()

    assert await asyncio.wait_for(second, 1)


async def test_a_provider_that_names_a_time_is_not_asked_before() -> None:
    circuit = CircuitBreaker("test")
    loop = asyncio.get_running_loop()
    began = loop.time()
    circuit.record_outage("too many", timedelta(milliseconds=300), is_probe=False)

    assert await circuit.admit()

    assert loop.time() - began == pytest.approx(0.3)


async def test_a_later_time_named_by_another_message_counts_too() -> None:
    circuit = CircuitBreaker("test")
    loop = asyncio.get_running_loop()
    began = loop.time()
    circuit.record_outage("too many", timedelta(milliseconds=20), is_probe=False)
    circuit.record_outage("too many", timedelta(milliseconds=300), is_probe=False)

    assert await circuit.admit()

    assert loop.time() - began == pytest.approx(0.3)


async def test_what_began_before_the_outage_does_not_end_it() -> None:
    circuit = CircuitBreaker("test")
    circuit.record_outage("away", None, is_probe=False)

    circuit.record_success(is_probe=False)

    assert circuit.is_open


async def test_a_time_named_in_one_outage_is_not_waited_for_in_the_next() -> None:
    circuit = CircuitBreaker("test")
    circuit.record_outage("away", None, is_probe=False)
    assert await circuit.admit()
    circuit.record_outage("a straggler is throttled", timedelta(minutes=1), is_probe=False)
    circuit.record_success(is_probe=True)

    circuit.record_outage("away again", None, is_probe=False)

    assert await asyncio.wait_for(circuit.admit(), 1)


async def test_when_nothing_waits_as_the_pause_ends_the_next_message_tries_at_once() -> None:
    circuit = CircuitBreaker("test")
    circuit.record_outage("away", None, is_probe=False)
    await eventually(lambda: circuit._giving_up is not None)

    turn = asyncio.create_task(circuit.admit())
    await asyncio.sleep(0)

    assert turn.done()
    assert turn.result()
    second = asyncio.create_task(circuit.admit())
    circuit.record_success(is_probe=True)
    assert await second is False


async def test_a_provider_that_nobody_asks_any_more_is_not_said_to_be_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_module, "UNASKED", timedelta(milliseconds=20))
    circuit = CircuitBreaker("test")
    circuit.record_outage("away", None, is_probe=False)
    circuit.changed.clear()

    await asyncio.wait_for(circuit.changed.wait(), 1)

    assert circuit.outage is None
    assert await circuit.admit() is False


async def test_a_message_that_is_taken_back_leaves_the_row() -> None:
    circuit = CircuitBreaker("test")
    circuit.record_outage("away", timedelta(minutes=1), is_probe=False)
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(circuit.admit(unless=gone))
    await asyncio.sleep(0)

    gone.set_result(None)

    with pytest.raises(Requeued):
        await waiting
    assert circuit.outage is not None
    assert circuit.outage.held == 0


async def test_the_reason_is_told_without_anybodys_address(caplog: pytest.LogCaptureFixture) -> None:
    circuit = CircuitBreaker("test")

    circuit.record_outage("421 <ada@example.com>: try later", None, is_probe=False)

    assert circuit.outage is not None
    assert "ada@example.com" not in circuit.outage.reason + caplog.text
    assert "try later" in caplog.text


async def test_a_stopping_process_waits_for_no_provider() -> None:
    circuit = CircuitBreaker("test")
    circuit.record_outage("away", timedelta(minutes=1), is_probe=False)
    waiting = asyncio.create_task(circuit.admit())
    await asyncio.sleep(0)

    circuit.stop()

    with pytest.raises(Requeued):
        await waiting
    with pytest.raises(Requeued):
        await circuit.admit()
