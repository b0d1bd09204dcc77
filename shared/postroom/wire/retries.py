"""When a failed message is tried again. The waiting itself is done by the broker's delay ladder."""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

LONGEST_BACKOFF = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Backoff:
    """The wait after a failed try: always `first`, or doubled each time up to LONGEST_BACKOFF."""

    strategy: Literal["fixed", "exponential"]
    first: timedelta

    def after(self, attempt: int) -> timedelta:
        """The wait after try number `attempt` (1 is the first), in whole seconds, at least one."""
        seconds = self.first.total_seconds()
        if self.strategy == "exponential":
            # 2**40 s is beyond any wait; the bound keeps the float finite.
            seconds = min(seconds * 2.0 ** min(attempt - 1, 40), LONGEST_BACKOFF.total_seconds())
        return timedelta(seconds=max(1, math.ceil(seconds)))


def fixed(wait: timedelta) -> Backoff:
    """The same wait after each try."""
    return Backoff("fixed", wait)


def exponential(first: timedelta) -> Backoff:
    """`first`, then twice as long each time."""
    return Backoff("exponential", first)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a message is tried in all and how long it waits in between.

    The default of 5 tries waits 2 + 4 + 8 + 16 = 30 s. Headers of a message override its parts.
    """

    attempts: int = 5
    backoff: Backoff = Backoff("exponential", timedelta(seconds=2))

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError("attempts counts the first try too, so it is at least 1")
