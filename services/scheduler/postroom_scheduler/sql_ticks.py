"""The ticks in the scheduler's database: written, claimed, published, and what their jobs came to.

Any number of schedulers work on them. A schedule that is due is looked at by one of them at a time, and its ticks
and its next fire time are one transaction; a tick of the same fire time cannot be written twice. A tick is
published by whoever claims it, and may be claimed again when that one has not said by then that it is published.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from pydantic import ValidationError
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    case,
    func,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from postroom import wire
from postroom.broker.publishing import Outgoing
from postroom.storage.database import Database
from postroom.wire.broker_headers import headers_anew
from postroom.wire.messages import DeferJob, SetSchedule
from postroom_scheduler.errors import BrokenSchedule
from postroom_scheduler.messages import body_of, headers_of, message_id_of
from postroom_scheduler.models import ScheduleRow, TickRow
from postroom_scheduler.planning import due_at, plan, read_definition

log = logging.getLogger(__name__)

schedules: Table = ScheduleRow.__table__  # type: ignore[attr-defined]
ticks: Table = TickRow.__table__  # type: ignore[attr-defined]

FAR_JOB = "job"
LEASE = timedelta(seconds=15)
"""How long a scheduler has for publishing what it claimed: more than one publish may take, which is 10 s."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick that is to be published."""

    schedule: str
    fire_time: datetime
    outgoing: Outgoing


class SqlTicks:
    """The ticks of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert

    async def write_due(self, now: datetime, at_most: int = 200, *, far_jobs_only: bool = False) -> int:
        """Write the ticks of schedules that are due, and return how many schedules were looked at."""
        which = waiting(far_jobs_only=far_jobs_only)
        return await self._database.run(lambda connection: self._write_due(connection, now, at_most, which))

    async def claim(self, now: datetime, at_most: int = 100) -> list[Tick]:
        """Ticks that are due and that no scheduler has claimed, the earliest first."""
        return await self._database.run(lambda connection: self._claim(connection, now, at_most))

    async def mark_published(self, published: list[Tick], now: datetime) -> None:
        """Say that the broker has them."""
        await self._database.run(lambda connection: self._mark_published(connection, published, now))

    async def release(self, claimed: list[Tick]) -> None:
        """Give the claim up: they were not published, and any scheduler may claim them."""
        freed = update(ticks).where(_is_one_of(claimed), ticks.c.state == "due").values(claimed_until=None)
        await self._database.run(lambda connection: connection.execute(freed))

    async def next_to_write(self, *, far_jobs_only: bool = False) -> datetime | None:
        """When the next schedule fires."""
        return await self._earliest(select(func.min(schedules.c.next_at)).where(waiting(far_jobs_only=far_jobs_only)))

    async def next_to_publish(self) -> datetime | None:
        """When the next unclaimed tick is due."""
        free = (ticks.c.state == "due", ticks.c.claimed_until.is_(None))
        return await self._earliest(select(func.min(ticks.c.due_at)).where(*free))

    async def record_end(self, message_id: str, state: str, at: datetime, error: str | None = None) -> None:
        """Say that a tick's job is done or dead. A dead one may be done later, replayed; nothing undoes a done one."""
        ended = (
            update(ticks)
            .where(ticks.c.message_id == message_id, ticks.c.state.in_(("due", "published", "dead")))
            .values(state=state, finished_at=utc(at), error=error and error[:1000])
        )
        await self._database.run(lambda connection: connection.execute(ended))

    async def forget(self, older_than: datetime) -> int:
        """Delete finished ticks of before, and far jobs that are published. Returns how many ticks."""
        return await self._database.run(lambda connection: _forget(connection, older_than))

    async def _earliest(self, query: Select[Any]) -> datetime | None:
        moment = await self._database.run(lambda connection: connection.scalar(query))
        return utc(moment) if moment else None

    def _write_due(self, connection: Connection, now: datetime, at_most: int, which: ColumnElement[bool]) -> int:
        if not self._database.is_sqlite:
            # A scheduler that is frozen in here must not keep the others from these schedules.
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '5s'"))
        due = (
            select(schedules)
            .where(schedules.c.next_at <= now, which)
            .order_by(schedules.c.next_at)
            .limit(at_most)
            .with_for_update(skip_locked=True)
        )
        rows = connection.execute(due).all()
        values: list[dict[str, Any]] = []
        for row in rows:
            try:
                values += self._write_schedule(connection, row, now)
            except (BrokenSchedule, ValidationError) as error:
                log.warning("Schedule %s is broken and stops: %s", row.name, error)
                _go_on(connection, row.name, None, row.last_at)
        if values:
            connection.execute(self._insert(ticks).on_conflict_do_nothing(), values)
        return len(rows)

    def _write_schedule(self, connection: Connection, row: Row[Any], now: datetime) -> list[dict[str, Any]]:
        if row.source == FAR_JOB:
            _go_on(connection, row.name, None, row.next_at)
            return [far_tick(row)]
        known = read_definition(row.definition)
        owed = plan(known, utc(row.next_at), now)
        if owed.missed_until:
            log.warning(
                "Schedule %s: fire times from %s up to %s were missed, catch_up is %s",
                *(row.name, utc(row.next_at).isoformat(), owed.missed_until.isoformat(), known.schedule.catch_up),
            )
        is_held = known.schedule.overlap == "skip" and _is_open(connection, row.name)
        values, last = [], utc(row.last_at) if row.last_at else None
        for fire_time in owed.fire_times:
            values.append(tick_of(known.schedule, fire_time, last, is_skipped=is_held))
            is_held = is_held or known.schedule.overlap == "skip"
            last = fire_time
        _go_on(connection, row.name, owed.next_at, last)
        return values

    def _claim(self, connection: Connection, now: datetime, at_most: int) -> list[Tick]:
        wall = datetime.now(UTC)
        free = or_(ticks.c.claimed_until.is_(None), ticks.c.claimed_until < wall)
        due = (
            select(ticks)
            .where(ticks.c.state == "due", ticks.c.due_at <= now, free)
            .order_by(ticks.c.due_at, ticks.c.schedule)
            .limit(at_most)
            .with_for_update(skip_locked=True)
        )
        claimed = [_tick(row) for row in connection.execute(due)]
        if claimed:
            connection.execute(update(ticks).where(_is_one_of(claimed)).values(claimed_until=wall + LEASE))
        return claimed

    def _mark_published(self, connection: Connection, published: list[Tick], now: datetime) -> None:
        # An event is done by that; a job may have been done before this is written.
        state = case((ticks.c.exchange == wire.EVENTS, "done"), else_="published")
        connection.execute(
            update(ticks)
            .where(_is_one_of(published))
            .values(published_at=now, state=case((ticks.c.state == "due", state), else_=ticks.c.state))
        )


def tick_of(
    schedule: SetSchedule, fire_time: datetime, last: datetime | None, *, is_skipped: bool = False
) -> dict[str, Any]:
    """The row of a tick. Raises BrokenSchedule when its body cannot be made."""
    return {
        "schedule": schedule.name,
        "fire_time": fire_time,
        "due_at": due_at(schedule, fire_time),
        "state": "skipped" if is_skipped else "due",
        "exchange": wire.JOBS if schedule.job else wire.EVENTS,
        "kind": schedule.job or schedule.event,
        "body": orjson.dumps(body_of(schedule, fire_time, last)).decode(),
        "headers": orjson.dumps(headers_of(schedule, fire_time)).decode(),
        "message_id": message_id_of(schedule.name, fire_time),
        "correlation_id": None,
        "app_id": "scheduler",
    }


def far_tick(row: Row[Any]) -> dict[str, Any]:
    """The one tick of a far job: its own message, as it was published."""
    job = DeferJob.model_validate_json(row.definition)
    moment = utc(row.next_at)
    return {
        "schedule": row.name,
        "fire_time": moment,
        "due_at": moment,
        "state": "due",
        "exchange": wire.JOBS,
        "kind": job.job,
        "body": orjson.dumps(job.body).decode(),
        "headers": orjson.dumps(job.headers).decode(),
        "message_id": job.job_id,
        "correlation_id": job.correlation_id,
        "app_id": job.app_id,
    }


def _tick(row: Row[Any]) -> Tick:
    outgoing = Outgoing(
        exchange=row.exchange,
        routing_key=row.kind,
        body=row.body.encode(),
        message_id=row.message_id,
        headers=headers_anew(orjson.loads(row.headers)),  # anybody may have written CC into a schedule or a far job
        correlation_id=row.correlation_id,
        app_id=row.app_id,
        timestamp=utc(row.fire_time),
        mandatory=row.exchange == wire.JOBS,
    )
    return Tick(row.schedule, utc(row.fire_time), outgoing)


def waiting(*, far_jobs_only: bool) -> ColumnElement[bool]:
    """Which schedules fire at all: those that are not paused."""
    is_running: ColumnElement[bool] = schedules.c.is_paused.is_(False)
    return and_(is_running, schedules.c.source == FAR_JOB) if far_jobs_only else is_running


def _go_on(connection: Connection, name: str, next_at: datetime | None, last_at: datetime | None) -> None:
    values = {"next_at": next_at, "last_at": last_at}
    connection.execute(update(schedules).where(schedules.c.name == name).values(values))


def _is_open(connection: Connection, schedule: str) -> bool:
    """Whether a job of the schedule is on its way."""
    found = select(ticks.c.schedule).where(ticks.c.schedule == schedule, ticks.c.state.in_(("due", "published")))
    return connection.execute(found.limit(1)).first() is not None


def _is_one_of(those: list[Tick]) -> Any:
    return tuple_(ticks.c.schedule, ticks.c.fire_time).in_([(tick.schedule, tick.fire_time) for tick in those])


def _forget(connection: Connection, older_than: datetime) -> int:
    old = ticks.c.state.in_(("done", "dead", "skipped", "published")) & (ticks.c.due_at < older_than)
    keys = select(ticks.c.schedule, ticks.c.fire_time).where(old).limit(500)
    count = connection.execute(ticks.delete().where(tuple_(ticks.c.schedule, ticks.c.fire_time).in_(keys))).rowcount
    connection.execute(
        schedules.delete().where(
            schedules.c.source == FAR_JOB,
            schedules.c.next_at.is_(None),
            schedules.c.name.not_in(select(ticks.c.schedule).where(ticks.c.state == "due")),
        )
    )
    return count


def utc(moment: datetime) -> datetime:
    # SQLite keeps no zone; everything in it is UTC.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
