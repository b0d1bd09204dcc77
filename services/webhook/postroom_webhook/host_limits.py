"""Gives each receiver its share of the calls under way, so that a slow one does not starve the others.

A host has `per_host` calls under way and as many messages waiting here for a turn; every further one goes back to the
delay ladder at once (HostBusy), with no attempt used. So a host takes twice 10 of the 400 deliveries that a process
holds (PREFETCH in handlers.py), however many of its messages are queued: twenty hosts would have to be slow at once
before any other waits.

When such a message comes again is reckoned, so that it seldom comes in vain. A host whose calls take d seconds takes
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
class Lane:
    """One host: when the calls under way began, who waits for a turn, and until when those sent away reach."""

    begun: dict[object, float] = field(default_factory=dict)
    waiting: deque["asyncio.Future[None]"] = field(default_factory=deque)
    seconds: float = FIRST_GUESS_SECONDS
    line_ends_at: float = 0.0


class HostLanes:
    """The turns of all hosts, in one process.

    Args:
        per_host: calls to one host at once.
        patience: how long a message waits here for its turn at most; a call's time limit is good.
        clock: seconds that only grow.
    """

    def __init__(self, per_host: int, patience: timedelta, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_host = per_host
        self._patience = patience
        self._clock = clock
        self._lanes: dict[str, Lane] = {}

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """One of the host's calls. Raises HostBusy, with the wait after which it is likely to have a turn."""
        lane = self._lane_of(host)
        turn = await self._begin(lane, host)
        try:
            yield
        finally:
            lane.seconds += NEWEST_SHARE * (self._clock() - lane.begun[turn] - lane.seconds)
            self._end(lane, turn)

    async def _begin(self, lane: Lane, host: str) -> object:
        if len(lane.begun) >= self._per_host:
            return await self._wait(lane, host)
        turn = object()
        lane.begun[turn] = self._clock()
        return turn

    async def _wait(self, lane: Lane, host: str) -> object:
        if len(lane.waiting) >= self._per_host:
            raise self._busy(lane, host)
        turn = asyncio.get_running_loop().create_future()
        lane.waiting.append(turn)
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                await turn
        except BaseException as error:
            if turn in lane.begun:  # it got its turn as it gave up
                self._end(lane, turn)
            else:
                lane.waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise self._busy(lane, host) from None
            raise
        return turn

    def _end(self, lane: Lane, turn: object) -> None:
        del lane.begun[turn]
        if lane.waiting:
            # The turn passes on here and now: nobody who comes in between can take it.
            following = lane.waiting.popleft()
            lane.begun[following] = self._clock()
            if not following.done():
                following.set_result(None)

    def _busy(self, lane: Lane, host: str) -> HostBusy:
        now = self._clock()
        oldest = next(iter(lane.begun.values()), now)
        seconds = max(lane.seconds, now - oldest)  # a call that hangs tells before it has ended
        after = max(lane.line_ends_at, now + seconds) + seconds / self._per_host
        wait = timedelta(seconds=after - now)
        if wait > LONGEST_WAIT:
            wait = LONGEST_WAIT * random.uniform(0.5, 1)  # noqa: S311 - spreads them, hides nothing
        else:
            lane.line_ends_at = after
        return HostBusy(f"{host} has {self._per_host} calls under way", wait=max(wait, SHORTEST_WAIT))

    def _lane_of(self, host: str) -> Lane:
        lane = self._lanes.get(host)
        if lane is None:
            if len(self._lanes) >= MOST_HOSTS:
                self._lanes = {name: lane for name, lane in self._lanes.items() if lane.begun or lane.waiting}
            lane = self._lanes[host] = Lane()
        return lane
