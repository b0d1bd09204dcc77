"""SMS_PER_SECOND: texts leave at an even rate, one-time codes before the rest.

Each process takes its share, the limit divided by the number of running processes, and does not lend it: with the
same queue before all of them, all have work while there is work. A process that starts or dies is counted by the
others after some seconds.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from enum import IntEnum

from postroom.wire.errors import Postponed

LONGEST_WAIT = timedelta(minutes=3)
"""For a turn. A handler has 5 minutes (Options.time_limit); the other 2 are for the gateway. With 100 texts in work
per process (handlers.py), all of them get their turn in time from 100 / 180 s = 0.6 texts a second and process
upwards. Below that some are put back to the broker, which costs them no attempt."""

PUT_BACK = timedelta(minutes=1)
BURST_SECONDS = 0.1
"""What was not used of the last tenth of a second may be caught up: timers are late, and the average must hold."""


class Priority(IntEnum):
    """Which texts go first: the lower number."""

    URGENT = 0
    BULK = 1


class TextRateLimit:
    """Limits the rate at which texts are sent.

    Args:
        per_second: of all processes together; None: no limit.
        replicas: how many processes there are now, at least 1.
        clock, sleep: a monotonic clock in seconds, and how to wait on it.
    """

    def __init__(
        self,
        per_second: float | None,
        replicas: Callable[[], int],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._per_second = per_second
        self._replicas = replicas
        self._clock = clock
        self._sleep = sleep
        self._next = clock()
        self._waiting: dict[Priority, deque[asyncio.Future[None]]] = {priority: deque() for priority in Priority}
        self._task: asyncio.Task[None] | None = None

    async def turn(self, priority: Priority) -> None:
        """Wait until a text may be sent. Raises Postponed when that takes longer than LONGEST_WAIT."""
        if self._per_second is None:
            return
        loop = asyncio.get_running_loop()
        mine = loop.create_future()
        self._waiting[priority].append(mine)
        if self._task is None:
            self._task = loop.create_task(self._give_turns())
        try:
            async with asyncio.timeout(LONGEST_WAIT.total_seconds()):
                await mine
        except TimeoutError:
            if not _is_granted(mine):
                raise Postponed("SMS_PER_SECOND: no turn yet", wait=PUT_BACK) from None
        except asyncio.CancelledError:
            if _is_granted(mine):
                self.give_back()
            raise

    def give_back(self) -> None:
        """A turn was not used: the next text may go that much earlier."""
        if self._per_second is not None:
            self._next -= self._interval()

    def _interval(self) -> float:
        assert self._per_second is not None  # noqa: S101 - asked for with a limit only
        return max(1, self._replicas()) / self._per_second

    async def _give_turns(self) -> None:
        try:
            while any(self._waiting.values()):
                wait = self._next - self._clock()
                if wait > 0:
                    # Not longer than a second: what is next may have changed by then, with the number of processes.
                    await self._sleep(min(wait, 1.0))
                elif (first := self._first()) is not None:
                    self._next = max(self._next, self._clock() - BURST_SECONDS) + self._interval()
                    first.set_result(None)
                    await asyncio.sleep(0)  # what was woken may give its turn back
        finally:
            self._task = None

    def _first(self) -> "asyncio.Future[None] | None":
        """Who is next, chosen when the turn has come: an urgent text overtakes all that wait."""
        for priority in Priority:
            with suppress(IndexError):
                while True:
                    if not (first := self._waiting[priority].popleft()).done():
                        return first
        return None


def _is_granted(turn: "asyncio.Future[None]") -> bool:
    return turn.done() and not turn.cancelled()
