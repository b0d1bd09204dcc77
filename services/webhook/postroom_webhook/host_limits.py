"""Limits how many calls one host has under way, so that a slow one does not starve the others.

A host has `per_host` calls under way and as many messages waiting here for a turn; every further one goes back to the
delay ladder at once (HostBusy), with no attempt used. So a host takes twice 10 of the 400 deliveries that a process
holds (PREFETCH in handlers.py), however many of its messages are queued: twenty hosts would have to be slow at once
before any other waits.

The wait of such a message is computed, so that it seldom comes in vain. A host whose calls take d seconds takes
per_host ÷ d messages a second, and each message sent away is put d ÷ per_host behind the one before: 500 messages for
a host that answers after 10 s come back one a second. No wait is longer than LONGEST_WAIT, so that a host that has
become quick is not kept waiting; beyond that, waits lie between its half and its whole, 225 s on average, and 10,000
messages cost 10,000 ÷ 225 = 44 postponements a second, of the more than 1,000 that a process can do.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from postroom_webhook.errors import HostBusy

LONGEST_WAIT = timedelta(minutes=5)
SHORTEST_WAIT = timedelta(seconds=1)
FIRST_GUESS_SECONDS = 1.0  # how long a call takes, until one has ended
NEWEST_SHARE = 0.3  # of the newest call in the average
MOST_HOSTS = 1000  # that are remembered while nothing of theirs is under way


@dataclass(slots=True)
class HostCalls:
    """One host: when its calls under way began, who waits for a turn, and when the last one sent away comes back."""

    begun: dict[object, float] = field(default_factory=dict)
    waiting: deque["asyncio.Future[None]"] = field(default_factory=deque)
    seconds: float = FIRST_GUESS_SECONDS
    line_ends_at: float = 0.0


class HostLimits:
    """The limits of all hosts, in one process.

    Args:
        per_host: calls to one host at once.
        patience: how long a message waits here for its turn at most; a call's time limit is good.
        clock: seconds that only grow.
    """

    def __init__(self, per_host: int, patience: timedelta, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_host = per_host
        self._patience = patience
        self._clock = clock
        self._calls: dict[str, HostCalls] = {}

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """One of the host's calls. Raises HostBusy, with the wait after which it is likely to have a turn."""
        calls = self._calls_of(host)
        turn = await self._begin(calls, host)
        try:
            yield
        finally:
            calls.seconds += NEWEST_SHARE * (self._clock() - calls.begun[turn] - calls.seconds)
            self._end(calls, turn)

    async def _begin(self, calls: HostCalls, host: str) -> object:
        if len(calls.begun) >= self._per_host:
            return await self._wait(calls, host)
        turn = object()
        calls.begun[turn] = self._clock()
        return turn

    async def _wait(self, calls: HostCalls, host: str) -> object:
        if len(calls.waiting) >= self._per_host:
            raise self._busy(calls, host)
        turn = asyncio.get_running_loop().create_future()
        calls.waiting.append(turn)
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                await turn
        except BaseException as error:
            if turn in calls.begun:  # it got its turn as it gave up
                self._end(calls, turn)
            else:
                calls.waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise self._busy(calls, host) from None
            raise
        return turn

    def _end(self, calls: HostCalls, turn: object) -> None:
        del calls.begun[turn]
        if calls.waiting:
            # The turn passes on here and now: nobody who comes in between can take it.
            following = calls.waiting.popleft()
            calls.begun[following] = self._clock()
            if not following.done():
                following.set_result(None)

    def _busy(self, calls: HostCalls, host: str) -> HostBusy:
        now = self._clock()
        oldest = next(iter(calls.begun.values()), now)
        seconds = max(calls.seconds, now - oldest)  # a call that hangs tells before it has ended
        after = max(calls.line_ends_at, now + seconds) + seconds / self._per_host
        wait = timedelta(seconds=after - now)
        if wait > LONGEST_WAIT:
            wait = LONGEST_WAIT * random.uniform(0.5, 1)  # noqa: S311 - spreads them, hides nothing
        else:
            calls.line_ends_at = after
        return HostBusy(f"{host} has {self._per_host} calls under way", wait=max(wait, SHORTEST_WAIT))

    def _calls_of(self, host: str) -> HostCalls:
        calls = self._calls.get(host)
        if calls is None:
            if len(self._calls) >= MOST_HOSTS:
                self._calls = {name: calls for name, calls in self._calls.items() if calls.begun or calls.waiting}
            calls = self._calls[host] = HostCalls()
        return calls
