"""Waits for conditions instead of sleeping, as long as the machine needs, and says what was missing at the end."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from postroom.patience import patience
from postroom.testing.explaining import Explanation, shortened

Answer = TypeVar("Answer")

REACTION = timedelta(seconds=30)
"""For what is a matter of milliseconds on a machine that has time."""
LONGEST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_AFTER_A_SLOW_ANSWER_SECONDS = 1.0
"""What is expensive to ask is asked less often: it would take the time from what it waits for."""


async def eventually(check: Callable[[], Answer | Awaitable[Answer]], within: timedelta = REACTION) -> Answer:
    """The first true answer of `check`, asked again and again.

    An AssertionError from `check` counts as not yet. `within` is stretched by `patience`. After that, raises
    AssertionError with what was waited for, the last value of each of its parts, and the last reason.
    """
    limit = patience(within)
    deadline, asked, pause, reason = time.monotonic() + limit.total_seconds(), 0, 0.01, ""
    while time.monotonic() < deadline or asked == 0:
        asked, began = asked + 1, time.monotonic()
        try:
            if result := await _answer(check):
                return result
            reason = ""
        except AssertionError as error:
            reason = str(error)
        answered_in = time.monotonic() - began
        await asyncio.sleep(max(pause, min(2 * answered_in, LONGEST_PAUSE_AFTER_A_SLOW_ANSWER_SECONDS)))
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
    explanation = Explanation.of(check)
    try:
        if result := await _answer(explanation.check):
            return result
        found = f"the answer was {shortened(result)}"
    except AssertionError as error:
        found = f"an assertion in it failed: {reason or str(error) or 'see its parts'}"
    waited = f"not within {limit.total_seconds():g} s, asked {asked + 1} times"
    raise AssertionError(f"{waited}: {explanation.text(found)}")


async def _answer(check: Callable[[], Answer | Awaitable[Answer]]) -> Answer:
    answer = check()
    return await answer if inspect.isawaitable(answer) else answer
