"""How late a scheduler is, by what its database owes."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from postroom.storage.database import Database
from postroom.testing import RecordingPublisher
from postroom.wire.messages import SchedulerMeasured, SetSchedule
from postroom_scheduler.lateness import LatenessReporter, SqlLateness
from postroom_scheduler.sql_schedules import SqlSchedules
from postroom_scheduler.sql_ticks import SqlTicks
from tests.support.scheduling import NOON, scheduler_database

SECOND = timedelta(seconds=1)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with scheduler_database(database_url) as database:
        yield database


async def test_what_is_owed_is_counted_before_and_after_its_tick_is_written(database: Database) -> None:
    owed, ticks = SqlLateness(database), SqlTicks(database)
    schedule = SetSchedule.model_validate({"name": "minutely", "every": "60s", "event": "minute.passed"})
    await SqlSchedules(database).put(schedule, "a test", NOON)
    first = await SqlTicks(database).next_to_write()
    assert first is not None

    assert (await owed.overdue(first - SECOND)).count == 0
    unwritten = await owed.overdue(first + 30 * SECOND)
    assert (unwritten.count, unwritten.oldest) == (1, first)
    await ticks.write_due(first + 30 * SECOND)
    unpublished = await owed.overdue(first + 40 * SECOND)
    assert (unpublished.count, unpublished.oldest) == (1, first)
    await ticks.mark_published(await ticks.claim(first + 40 * SECOND), first + 40 * SECOND)
    assert (await owed.overdue(first + 40 * SECOND)).count == 0


async def test_lateness_is_told_once_a_minute_and_at_once_when_it_begins_and_ends(database: Database) -> None:
    publisher, ticks = RecordingPublisher(), SqlTicks(database)
    reporter = LatenessReporter(SqlLateness(database).overdue, publisher)  # type: ignore[arg-type]
    schedule = SetSchedule.model_validate({"name": "once", "at": "2026-11-24T12:00:10Z", "event": "noon.passed"})
    await SqlSchedules(database).put(schedule, "a test", NOON)

    async def told_at(seconds: int) -> list[float]:
        before = len(publisher.published)
        await reporter.check(NOON + seconds * SECOND)
        return [each.late_seconds for each in publisher.published[before:] if isinstance(each, SchedulerMeasured)]

    assert await told_at(0) == [0]
    assert await told_at(20) == []  # 10 s late: not worth a word before the minute is over
    assert await told_at(30) == [20]
    assert await told_at(35) == []
    await ticks.write_due(NOON + 40 * SECOND)
    await ticks.mark_published(await ticks.claim(NOON + 40 * SECOND), NOON + 40 * SECOND)
    assert await told_at(40) == [0]
    assert await told_at(99) == []
    assert await told_at(100) == [0]
