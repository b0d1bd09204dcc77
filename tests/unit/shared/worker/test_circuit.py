import asyncio
from datetime import timedelta

import pytest

from shared.worker import circuit as circuit_module
from shared.worker.circuit import Circuit


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_module, "FIRST_PAUSE", timedelta(milliseconds=10))
    monkeypatch.setattr(circuit_module, "LONGEST_PAUSE", timedelta(milliseconds=40))


async def test_everybody_goes_ahead_while_the_provider_is_there() -> None:
    assert await Circuit().admitted() is False


async def test_while_it_is_away_one_probes_and_the_others_wait() -> None:
    circuit = Circuit()
    circuit.refused("away", None, is_probe=False)
    turns = [asyncio.create_task(circuit.admitted()) for _ in range(3)]

    done, waiting = await asyncio.wait(turns, timeout=0.2)

    assert [task.result() for task in done] == [True]
    circuit.passed(is_probe=True)
    assert [await task for task in waiting] == [False, False]
    assert not circuit.is_open
    assert circuit.closings == 1


async def test_a_probe_that_failed_waits_behind_the_others() -> None:
    circuit = Circuit()
    circuit.refused("away", None, is_probe=False)
    order: list[str] = []

    async def message(name: str) -> None:
        for _ in range(2):
            assert await circuit.admitted()
            order.append(name)
            circuit.refused("still away", None, is_probe=True)

    await asyncio.gather(message("a"), message("b"), message("c"))

    assert order == ["a", "b", "c", "a", "b", "c"]


async def test_a_probe_that_says_nothing_makes_room_for_the_next() -> None:
    circuit = Circuit()
    circuit.refused("away", None, is_probe=False)

    assert await circuit.admitted()
    circuit.undecided(is_probe=True)

    assert await asyncio.wait_for(circuit.admitted(), 1)


async def test_a_cancelled_probe_makes_room_for_the_next() -> None:
    circuit = Circuit()
    circuit.refused("away", None, is_probe=False)
    first, second = (asyncio.create_task(circuit.admitted()) for _ in range(2))
    first.add_done_callback(lambda _: None)
    await asyncio.sleep(0)
    first.cancel()

    assert await asyncio.wait_for(second, 1)


async def test_a_provider_that_names_a_time_is_not_asked_before() -> None:
    circuit = Circuit()
    loop = asyncio.get_running_loop()
    began = loop.time()
    circuit.refused("too many", timedelta(milliseconds=300), is_probe=False)

    assert await circuit.admitted()

    assert loop.time() - began >= 0.3


async def test_a_later_time_named_by_another_message_counts_too() -> None:
    circuit = Circuit()
    loop = asyncio.get_running_loop()
    began = loop.time()
    circuit.refused("too many", timedelta(milliseconds=20), is_probe=False)
    circuit.refused("too many", timedelta(milliseconds=300), is_probe=False)

    assert await circuit.admitted()

    assert loop.time() - began >= 0.3


async def test_what_began_before_the_outage_does_not_end_it() -> None:
    circuit = Circuit()
    circuit.refused("away", None, is_probe=False)

    circuit.passed(is_probe=False)

    assert circuit.is_open


async def test_a_stopping_process_waits_for_no_provider() -> None:
    circuit = Circuit()
    circuit.refused("away", timedelta(minutes=1), is_probe=False)
    waiting = asyncio.create_task(circuit.admitted())
    await asyncio.sleep(0)

    circuit.stop()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    with pytest.raises(asyncio.CancelledError):
        await circuit.admitted()
