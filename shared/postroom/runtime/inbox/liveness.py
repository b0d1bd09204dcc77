"""Which of the processes that hold messages are still alive.

Each process raises a number every two seconds. Who is watched for LEASE without its number rising is dead: the
watcher's own monotonic clock decides, so no clock of two machines is ever compared and setting one harms nothing.
Time in which the watcher itself stood still is not watched.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from postroom.storage.database import Database

log = logging.getLogger(__name__)

BEAT = timedelta(seconds=2)
LEASE = timedelta(seconds=6)
"""Three beats. A killed worker's messages are taken over after at most LEASE + BEAT ≈ 8 s."""

LONGEST_LOOK = BEAT * 1.5
"""What one look counts at most. More time passed when this process was stopped, or starved, or its database slow:
the others may have beaten all the while, or stood still with it."""


_BEAT = text(
    "INSERT INTO workers (holder, beats) VALUES (:holder, 1) "
    "ON CONFLICT (holder) DO UPDATE SET beats = workers.beats + 1"
)
_LIST = text("SELECT holder, beats FROM workers")
_LEAVE = text("DELETE FROM workers WHERE holder = :holder")
_REMOVE = text(
    "DELETE FROM workers WHERE holder = :dead "
    "AND NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.holder = :dead AND state = 'started')"
)


class Liveness:
    """This process's heartbeat, and what it knows of the others'."""

    def __init__(self, database: Database, holder: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._holder = holder
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}  # holder: its beats, and for how many seconds watched so
        self._absent: dict[str, bool] = {}  # holder: whether a listing after it was missed missed it too
        self._listed = False
        self._looked_at = 0.0

    def is_dead(self, holder: str) -> bool:
        """Whether `holder` can no longer finish what it began."""
        if not self._listed or holder == self._holder:
            return False
        if holder not in self._seen:
            # It left in good order, or it is so new that the last listing does not have it: the next one tells.
            return self._absent.setdefault(holder, False)
        return self._seen[holder][1] > LEASE.total_seconds()

    def count(self) -> int:
        """How many processes are alive, this one included; 1 while the database does not tell."""
        return max(1, sum(not self.is_dead(holder) for holder in self._seen))

    async def join(self) -> None:
        """Enter this process among the living."""
        await self.beat()

    async def beat(self) -> None:
        """Say that this process lives, and look at the others."""
        beats = await self._database.run(self._beat)
        now = self._clock()
        watched = min(now - self._looked_at, LONGEST_LOOK.total_seconds())
        self._looked_at = now
        seen = {holder: self._seen.get(holder, (0, 0.0)) for holder in beats}
        self._seen = {
            holder: (count, seen[holder][1] + watched if seen[holder][0] == count else 0.0)
            for holder, count in beats.items()
        }
        self._absent = {holder: True for holder in self._absent if holder not in beats}
        self._listed = True

    async def send_heartbeats(self) -> None:
        """Beat until cancelled. A database that is away is waited for; nobody is declared dead meanwhile."""
        while True:
            await asyncio.sleep(BEAT.total_seconds())
            try:
                await self.beat()
                await self._remove_dead()
            except (SQLAlchemyError, OSError) as error:
                self._listed = False
                self._seen.clear()
                log.warning("The heartbeat could not be written: %s", type(error).__name__)

    async def _remove_dead(self) -> None:
        # A row of a holder that nothing refers to any more is of no use.
        dead = [{"dead": holder} for holder in self._seen if self.is_dead(holder)]
        if dead:
            await self._database.run(lambda connection: connection.execute(_REMOVE, dead))

    async def leave(self) -> None:
        """Go in good order: what this process still held is free at once."""
        mine = {"holder": self._holder}
        await self._database.run(lambda connection: connection.execute(_LEAVE, mine))

    def _beat(self, connection: Connection) -> dict[str, int]:
        connection.execute(_BEAT, {"holder": self._holder})
        return {row.holder: row.beats for row in connection.execute(_LIST)}
