"""What is done every so often goes on when it fails, and does not fill the log."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest

from postroom.runtime import periodic
from postroom.runtime.periodic import do_every

INTERVAL = timedelta(minutes=10)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, which takes no time here."""
    seen: list[float] = []

    async def sleep(seconds: float) -> None:
        seen.append(seconds)

    monkeypatch.setattr(periodic.asyncio, "sleep", sleep)
    return seen


async def ended_by_cancelling(*outcomes: Exception | None) -> None:
    """Do a step that ends so each time, until it is cancelled after the last."""
    left: Iterator[Exception | None] = iter(outcomes)

    async def step() -> None:
        match next(left, asyncio.CancelledError()):
            case BaseException() as error:
                raise error

    with pytest.raises(asyncio.CancelledError):
        await do_every(INTERVAL, step, "Counting", tolerated=(OSError, ValueError))


async def test_it_is_done_at_once_and_again_after_each_interval(waits: list[float]) -> None:
    await ended_by_cancelling(None, None, None)

    assert waits == [600, 600, 600]


async def test_what_fails_is_tried_again_and_logged_once_for_each_kind_of_error(
    waits: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, periodic.__name__)

    await ended_by_cancelling(
        OSError("away, ask ada@example.com"), OSError("away"), ValueError("odd"), None, None, OSError("away again")
    )

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "Counting is tried again every 600 s: OSError: away, ask a•••@example.com"),
        ("WARNING", "Counting is tried again every 600 s: ValueError: odd"),
        ("INFO", "Counting works again"),
        ("WARNING", "Counting is tried again every 600 s: OSError: away again"),
    ]
    assert waits == [600] * 6


async def test_an_error_that_is_not_tolerated_ends_it(waits: list[float]) -> None:
    async def step() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await do_every(INTERVAL, step, "Counting", tolerated=(OSError,))
    assert waits == []


async def test_a_cancellation_that_a_library_turned_into_another_error_ends_it() -> None:
    begun = asyncio.Event()

    async def step() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise OSError("the channel was closed") from None

    task = asyncio.create_task(do_every(INTERVAL, step, "Counting", tolerated=(OSError,)))
    await begun.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, INTERVAL.total_seconds())
