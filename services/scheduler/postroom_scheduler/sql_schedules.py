"""The schedules in the scheduler's database: made, changed, looked at."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from postroom.storage.database import Database
from postroom.wire.messages import DeferJob, SetSchedule
from postroom_scheduler.errors import BrokenSchedule, UnknownSchedule
from postroom_scheduler.messages import check_message
from postroom_scheduler.planning import definition_of, read_definition
from postroom_scheduler.sql_ticks import FAR_JOB, schedules, tick_of, ticks, utc
from postroom_scheduler.timing import make_timing

FILE = "file"
DATABASE = "database"


@dataclass(frozen=True, slots=True)
class TickStatus:
    """What became of a tick."""

    fire_time: datetime
    state: str
    published_at: datetime | None
    finished_at: datetime | None
    message_id: str
    error: str | None

    @property
    def lateness_seconds(self) -> float | None:
        """From the fire time to the broker's confirm."""
        return (self.published_at - self.fire_time).total_seconds() if self.published_at else None


@dataclass(frozen=True, slots=True)
class ScheduleStatus:
    """A schedule and its state."""

    name: str
    source: str
    definition: SetSchedule | DeferJob
    is_paused: bool
    next_at: datetime | None
    changed_at: datetime
    changed_by: str
    last: TickStatus | None


class SqlSchedules:
    """The schedules of one database. Every change says by whom."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert

    async def put(self, schedule: SetSchedule, by: str, now: datetime) -> None:
        """Make or change a schedule. Raises BrokenSchedule, also for one that the file has."""
        check_schedule(schedule, now)
        await self._database.run(lambda connection: self._put(connection, schedule, by, now))

    async def remove(self, name: str) -> None:
        """Remove a schedule or a far job. Raises UnknownSchedule, and BrokenSchedule for one that the file has."""
        await self._database.run(lambda connection: _remove(connection, name))

    async def defer(self, job: DeferJob, now: datetime) -> None:
        """Keep a far job until its time. The same id again changes nothing."""
        values = {
            "name": far_name(job.job_id),
            "source": FAR_JOB,
            "definition": job.model_dump_json(exclude_unset=True),
            "is_paused": False,
            "next_at": utc(job.at),
            "changed_at": now,
            "changed_by": job.app_id or "a publisher",
        }
        stored = self._insert(schedules).values(values).on_conflict_do_nothing()
        await self._database.run(lambda connection: connection.execute(stored))

    async def move(self, name: str, at: datetime, by: str, now: datetime) -> None:
        """Give a far job another moment. Raises UnknownSchedule when it does not wait any more."""
        values = {"next_at": utc(at), "changed_at": now, "changed_by": by}
        waiting = (schedules.c.name.in_((name, far_name(name))), schedules.c.source == FAR_JOB)
        moved = update(schedules).where(*waiting, schedules.c.next_at.is_not(None)).values(values)
        if not await self._database.run(lambda connection: connection.execute(moved).rowcount):
            raise UnknownSchedule(f"no far job {name} waits here")

    async def pause(self, name: str, by: str, now: datetime, *, is_paused: bool = True) -> None:
        """Pause or resume. A resumed schedule goes on with its next time; nothing is caught up."""
        await self._database.run(lambda connection: self._pause(connection, name, by, now, is_paused=is_paused))

    async def run_now(self, name: str, now: datetime) -> str:
        """Write a tick for this moment, whatever the schedule says, and return its message id."""
        return await self._database.run(lambda connection: self._run_now(connection, name, now))

    async def all(self) -> list[ScheduleStatus]:
        """Every schedule and far job, by name, with its last tick."""
        return await self._database.run(lambda connection: _all(connection, None))

    async def one(self, name: str) -> ScheduleStatus:
        """One of them. Raises UnknownSchedule."""
        return (await self._database.run(lambda connection: _all(connection, _row(connection, name).name)))[0]

    async def history(self, name: str, at_most: int = 20) -> list[TickStatus]:
        """The last ticks, the newest first: so many that fired, and as many that were skipped.

        However many are skipped while a job takes its time, it is seen what became of the job.
        """
        last = select(ticks).where(ticks.c.schedule == name).order_by(ticks.c.fire_time.desc()).limit(at_most)
        either = (last.where(ticks.c.state != "skipped"), last.where(ticks.c.state == "skipped"))
        rows = await self._database.run(lambda connection: [row for each in either for row in connection.execute(each)])
        return [_tick_seen(row) for row in sorted(rows, key=lambda row: row.fire_time, reverse=True)]

    async def take_over(self, found: list[SetSchedule], kept: set[str], by: str, now: datetime) -> list[str]:
        """Make the file's schedules those in `found`; names in `kept` stay as they were. Returns what is wrong."""
        return await self._database.run(lambda connection: self._take_over(connection, found, kept, by, now))

    def _put(self, connection: Connection, schedule: SetSchedule, by: str, now: datetime) -> None:
        row = connection.execute(select(schedules).where(schedules.c.name == schedule.name)).first()
        values = _changes(schedule, row, DATABASE)
        if values and row is None:
            values |= _by(by, now) | {"next_at": make_timing(schedule).next_after(now)}
            connection.execute(self._insert(schedules).values(values).on_conflict_do_nothing())
        elif values:
            self._update(connection, schedule, values | _by(by, now), now)

    def _take_over(
        self, connection: Connection, found: list[SetSchedule], kept: set[str], by: str, now: datetime
    ) -> list[str]:
        rows = {row.name: row for row in connection.execute(select(schedules).where(schedules.c.source != FAR_JOB))}
        problems, new = [], []
        for schedule in found:
            try:
                values = _changes(schedule, rows.get(schedule.name), FILE)
            except BrokenSchedule as error:
                problems.append(f"{schedule.name}: {error}")
                continue
            if values and schedule.name not in rows:
                new.append(values | _by(by, now) | {"next_at": make_timing(schedule).next_after(now)})
            elif values:
                self._update(connection, schedule, values | _by(by, now), now)
        if new:
            connection.execute(self._insert(schedules).on_conflict_do_nothing(), new)
        of_the_file = {name for name, row in rows.items() if row.source == FILE}
        gone = [{"gone": name} for name in of_the_file - {schedule.name for schedule in found} - kept]
        if gone:
            connection.execute(schedules.delete().where(schedules.c.name == bindparam("gone")), gone)
        return problems

    def _update(self, connection: Connection, schedule: SetSchedule, values: dict[str, Any], now: datetime) -> None:
        if values.pop("has_other_times"):
            values["next_at"] = make_timing(schedule).next_after(now)
        connection.execute(update(schedules).where(schedules.c.name == schedule.name).values(values))

    def _pause(self, connection: Connection, name: str, by: str, now: datetime, *, is_paused: bool) -> None:
        row = _row(connection, name)
        values: dict[str, Any] = {"is_paused": is_paused, "changed_at": now, "changed_by": by}
        if not is_paused and row.source != FAR_JOB and row.is_paused:
            values["next_at"] = read_definition(row.definition).timing.next_after(now)
        connection.execute(update(schedules).where(schedules.c.name == row.name).values(values))

    def _run_now(self, connection: Connection, name: str, now: datetime) -> str:
        row = _row(connection, name)
        if row.source == FAR_JOB:
            connection.execute(update(schedules).where(schedules.c.name == row.name).values(next_at=now))
            return DeferJob.model_validate_json(row.definition).job_id
        last = utc(row.last_at) if row.last_at else None
        tick = tick_of(read_definition(row.definition).schedule, now, last) | {"due_at": now}
        connection.execute(self._insert(ticks).values(tick).on_conflict_do_nothing())
        return str(tick["message_id"])


def check_schedule(schedule: SetSchedule, now: datetime) -> None:
    """Raise BrokenSchedule when it can never work; the text begins with the field."""
    make_timing(schedule)
    check_message(schedule, now)


def far_name(job_id: str) -> str:
    """The name under which a far job is listed."""
    return f"job:{job_id}"


def _changes(schedule: SetSchedule, row: Row[Any] | None, source: str) -> dict[str, Any]:
    """What is to be written; nothing where it is stored. Raises BrokenSchedule for another source's schedule."""
    definition = definition_of(schedule)
    if row is None:
        return {"name": schedule.name, "source": source, "definition": definition, "is_paused": schedule.paused}
    if row.source != source:
        where = "the schedules file; change it there" if row.source == FILE else "the database; remove it there"
        raise BrokenSchedule(f"name: {schedule.name} is in {where}")
    if row.definition == definition:
        return {}
    before = SetSchedule.model_validate_json(row.definition)
    paused = {"is_paused": schedule.paused} if before.paused != schedule.paused else {}
    return {"definition": definition, "has_other_times": _when(before) != _when(schedule), **paused}


def _by(by: str, now: datetime) -> dict[str, Any]:
    return {"changed_at": now, "changed_by": by}


def _remove(connection: Connection, name: str) -> None:
    row = _row(connection, name)
    if row.source == FILE:
        raise BrokenSchedule(f"name: {name} is in the schedules file; remove it there, or pause it")
    connection.execute(schedules.delete().where(schedules.c.name == row.name))


def _row(connection: Connection, name: str) -> Row[Any]:
    row = connection.execute(
        select(schedules).where(schedules.c.name.in_((name, far_name(name)))).order_by(schedules.c.name == name)
    ).first()
    if row is None:
        raise UnknownSchedule(f"there is no schedule {name!r}: `postroom schedules list` shows them")
    return row


def _when(schedule: SetSchedule) -> dict[str, Any]:
    return schedule.model_dump(include={"cron", "every", "at", "time_zone", "start", "end"})


def _all(connection: Connection, name: str | None) -> list[ScheduleStatus]:
    of_schedule = (ticks.c.schedule == schedules.c.name, ticks.c.state != "due")
    last_time = select(func.max(ticks.c.fire_time)).where(*of_schedule).scalar_subquery()
    newest = select(schedules.c.name, last_time.label("fire_time"))
    latest = (newest.where(schedules.c.name == name) if name else newest).subquery()
    joined = select(ticks).join(latest, (ticks.c.schedule == latest.c.name) & (ticks.c.fire_time == latest.c.fire_time))
    last = {row.schedule: _tick_seen(row) for row in connection.execute(joined)}
    rows = select(schedules).order_by(schedules.c.name)
    rows = rows.where(schedules.c.name == name) if name else rows
    return [_seen(row, last.get(row.name)) for row in connection.execute(rows)]


def _seen(row: Row[Any], last: TickStatus | None) -> ScheduleStatus:
    model = DeferJob if row.source == FAR_JOB else SetSchedule
    return ScheduleStatus(
        name=row.name,
        source=row.source,
        definition=model.model_validate_json(row.definition),
        is_paused=row.is_paused,
        next_at=utc(row.next_at) if row.next_at else None,
        changed_at=utc(row.changed_at),
        changed_by=row.changed_by,
        last=last,
    )


def _tick_seen(row: Row[Any]) -> TickStatus:
    return TickStatus(
        fire_time=utc(row.fire_time),
        state=row.state,
        published_at=utc(row.published_at) if row.published_at else None,
        finished_at=utc(row.finished_at) if row.finished_at else None,
        message_id=row.message_id,
        error=row.error,
    )


def moment_of(text: str) -> datetime:
    """A moment as a person writes it; UTC without an offset. Raises BrokenSchedule."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BrokenSchedule(f"{text!r} is no moment; write 2026-12-24T18:00:00 or 2026-12-24T18:00:00+01:00") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
