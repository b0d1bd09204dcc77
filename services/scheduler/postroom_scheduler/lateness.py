"""Tells other programs how late the scheduler is: the event `scheduler.measured`."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import func, select

from postroom.broker.publishing import Publisher
from postroom.privacy.redaction import redact
from postroom.storage.database import Database
from postroom.wire.messages import SchedulerMeasured
from postroom_scheduler.sql_ticks import schedules, ticks, utc, waiting

log = logging.getLogger(__name__)

TELL_EVERY = timedelta(minutes=1)
LOOK_EVERY = timedelta(seconds=5)
LATE = timedelta(seconds=20)
"""From then on it is told at once, and at once when it is over."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """What should have been published by now: how much, and the time of the oldest."""

    count: int
    oldest: datetime | None


class SqlLateness:
    """What the scheduler's database owes: ticks that are not published, and schedules without their ticks."""

    def __init__(self, database: Database, *, far_jobs_only: bool = False) -> None:
        self._database = database
        fires = waiting(far_jobs_only=far_jobs_only)
        self._unpublished = select(func.count(), func.min(ticks.c.due_at)).where(ticks.c.state == "due")
        self._unwritten = select(func.count(), func.min(schedules.c.next_at)).where(fires)

    async def overdue(self, now: datetime) -> Overdue:
        """What is owed at `now`."""
        queries = (self._unpublished.where(ticks.c.due_at < now), self._unwritten.where(schedules.c.next_at < now))
        found = await self._database.run(lambda connection: [connection.execute(query).one() for query in queries])
        oldest = min((utc(oldest) for _count, oldest in found if oldest), default=None)
        return Overdue(sum(count for count, _oldest in found), oldest)


class LatenessTelling:
    """Tells of one scheduler. What the broker did not take is told at the next look.

    Args:
        overdue: what waits to be published at a moment.
        publisher: by which it tells.
        every: how often it is told that nothing is late, so that a listener knows when a scheduler is gone.
    """

    def __init__(
        self,
        overdue: Callable[[datetime], Awaitable[Overdue]],
        publisher: Publisher,
        *,
        every: timedelta = TELL_EVERY,
        look_every: timedelta = LOOK_EVERY,
    ) -> None:
        self._instance = uuid4().hex
        self._overdue = overdue
        self._publisher = publisher
        self._every = every
        self._look_every = look_every
        self._told_at: datetime | None = None
        self._was_late = False

    async def keep_telling(self) -> None:
        """Tell until cancelled."""
        while True:
            try:
                await self.look(datetime.now(UTC))
            except Exception as error:  # noqa: BLE001 - figures are not worth a process
                log.info("How late it is is told later: %s", redact(f"{type(error).__name__}: {error}"))
            await asyncio.sleep(self._look_every.total_seconds())

    async def look(self, now: datetime) -> None:
        """Look at what waits, and tell when it is time for that or when it became late or is so no more."""
        overdue = await self._overdue(now)
        late = now - overdue.oldest if overdue.oldest else timedelta(0)
        is_time = self._told_at is None or now - self._told_at >= self._every
        if not is_time and (late >= LATE) == self._was_late:
            return
        event = SchedulerMeasured(
            instance=self._instance, at=now, late_seconds=round(late.total_seconds(), 3), due=overdue.count
        )
        await self._publisher.publish(event)
        self._told_at, self._was_late = now, late >= LATE
