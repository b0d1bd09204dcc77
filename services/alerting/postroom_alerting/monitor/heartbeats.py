"""The last heartbeat of each process. Heartbeats are kept for a day, and the latest of a scheduler for longer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, func, or_, select

from postroom.storage.database import Database
from postroom.wire.messages import CircuitClosed, CircuitOpened, SchedulerMeasured
from postroom_alerting.models import table_of
from postroom_alerting.monitor.models import HeartbeatRow
from postroom_alerting.sql_dialects import insert_into, utc

CIRCUIT = "circuit"
SCHEDULER = "scheduler"
KEPT = timedelta(days=1)

_heartbeats = table_of(HeartbeatRow)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last heartbeat of one process; see HeartbeatRow."""

    topic: str
    service: str
    instance: str
    is_open: bool
    since: datetime
    reason: str
    late_seconds: float
    due: int
    received_at: datetime


class HeartbeatLog:
    """Heartbeats in the database; safe with any number of replicas, and with events that come late or twice."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def opened(self, event: CircuitOpened, now: datetime) -> None:
        """A circuit is open. An event that arrives after that of its closing changes nothing."""
        opened = Heartbeat(CIRCUIT, event.service, event.instance, True, event.since, event.reason, 0, 0, now)
        await self._store(opened, or_(_heartbeats.c.since < event.since, _is_as_open(event.since)))

    async def closed(self, event: CircuitClosed, now: datetime) -> None:
        """A circuit has closed; one that opened later stays open."""
        closed = Heartbeat(CIRCUIT, event.service, event.instance, False, event.since, "", 0, 0, now)
        await self._store(closed, _heartbeats.c.since <= event.since)

    async def measured(self, event: SchedulerMeasured, now: datetime) -> None:
        """A scheduler's figures; figures older than those stored change nothing."""
        measured = Heartbeat(
            SCHEDULER, SCHEDULER, event.instance, False, event.at, "", event.late_seconds, event.due, now
        )
        await self._store(measured, _heartbeats.c.since <= event.at)

    async def all(self, now: datetime) -> Sequence[Heartbeat]:
        """All that are stored. Those older than KEPT are deleted first, but not the latest of a scheduler."""
        return await self._database.run(lambda connection: _read(connection, now - KEPT))

    async def _store(self, heartbeat: Heartbeat, is_newer: Any) -> None:
        values = {column.name: getattr(heartbeat, column.name) for column in _heartbeats.c}
        values["since"] = heartbeat.since.astimezone(UTC)
        await self._database.run(lambda connection: _upsert(connection, values, is_newer))


def forget_schedulers(connection: Connection) -> None:
    """Expect no scheduler, until the next heartbeat of one."""
    connection.execute(delete(_heartbeats).where(_heartbeats.c.topic == SCHEDULER))


def _is_as_open(since: datetime) -> Any:
    return and_(_heartbeats.c.since == since.astimezone(UTC), _heartbeats.c.is_open)


def _upsert(connection: Connection, values: dict[str, Any], is_newer: Any) -> None:
    statement = insert_into(connection, _heartbeats).values(values)
    keys = ["topic", "service", "instance"]
    changes = {name: statement.excluded[name] for name in values if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes, where=is_newer))


def _read(connection: Connection, delete_before: datetime) -> list[Heartbeat]:
    # The condition that no scheduler runs lasts as long as there is none, so the latest heartbeat of one is kept.
    latest = select(func.max(_heartbeats.c.received_at)).where(_heartbeats.c.topic == SCHEDULER).scalar_subquery()
    is_latest = and_(_heartbeats.c.topic == SCHEDULER, _heartbeats.c.received_at == latest)
    connection.execute(delete(_heartbeats).where(_heartbeats.c.received_at < delete_before, ~is_latest))
    return [
        Heartbeat(**{**row, "since": utc(row["since"]), "received_at": utc(row["received_at"])})
        for row in connection.execute(select(_heartbeats)).mappings()
    ]
