"""Publishes how late the scheduler is: the event `scheduler.measured`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import func, select

from postroom.broker.publishing import Publisher
from postroom.runtime.periodic import do_every
from postroom.storage.database import Database
from postroom.wire.messages import SchedulerMeasured
from postroom_scheduler.sql_ticks import schedules, ticks, utc, waiting

PUBLISH_EVERY = timedelta(minutes=1)
CHECK_EVERY = timedelta(seconds=5)
LATE = timedelta(seconds=20)
"""When a scheduler gets later than this, or is no longer, that is published at once."""


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


class LatenessReporter:
    """Publishes how late one scheduler is. What the broker did not take is published after `check_every`.

    Args:
        overdue: what waits to be published at a moment.
        publisher: publishes it.
        every: how often it is published that nothing is late, so that a listener notices when a scheduler is gone.
    """

    def __init__(
        self,
        overdue: Callable[[datetime], Awaitable[Overdue]],
        publisher: Publisher,
        *,
        every: timedelta = PUBLISH_EVERY,
        check_every: timedelta = CHECK_EVERY,
    ) -> None:
        self._instance = uuid4().hex
        self._overdue = overdue
        self._publisher = publisher
        self._every = every
        self._check_every = check_every
        self._published_at: datetime | None = None
        self._was_late = False

    async def keep_publishing(self) -> None:
        """Publish until cancelled."""
        # Whatever fails: figures are not worth a process.
        await do_every(self._check_every, lambda: self.check(datetime.now(UTC)), "Publishing how late the scheduler is")

    async def check(self, now: datetime) -> None:
        """Publish how late it is, if `every` has passed or it became late or is late no longer."""
        overdue = await self._overdue(now)
        late = now - overdue.oldest if overdue.oldest else timedelta(0)
        is_time = self._published_at is None or now - self._published_at >= self._every
        if not is_time and (late >= LATE) == self._was_late:
            return
        event = SchedulerMeasured(
            instance=self._instance, at=now, late_seconds=round(late.total_seconds(), 3), due=overdue.count
        )
        await self._publisher.publish(event)
        self._published_at, self._was_late = now, late >= LATE
