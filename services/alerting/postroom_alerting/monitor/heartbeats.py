"""What processes tell of themselves, kept until they have been silent for a day; of schedulers, the newest stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from postroom.storage.database import Database
from postroom.wire.messages import CircuitClosed, CircuitOpened, SchedulerMeasured
from postroom_alerting.monitor.models import HeardRow

CIRCUIT = "circuit"
SCHEDULER = "scheduler"
KEPT = timedelta(days=1)

_heard: Table = HeardRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Heard:
    """The last that one process told: see HeardRow."""

    topic: str
    service: str
    instance: str
    is_open: bool
    since: datetime
    reason: str
    late_seconds: float
    due: int
    heard_at: datetime


class HeardLog:
    """What was heard, in the database: safe with any number of replicas, and with events that come late or twice."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert

    async def opened(self, event: CircuitOpened, now: datetime) -> None:
        """A circuit is open. Told of after its closing, it changes nothing."""
        told = Heard(CIRCUIT, event.service, event.instance, True, event.since, event.reason, 0, 0, now)
        await self._store(told, or_(_heard.c.since < event.since, _is_as_open(event.since)))

    async def closed(self, event: CircuitClosed, now: datetime) -> None:
        """A circuit has closed; one that opened later stays open."""
        told = Heard(CIRCUIT, event.service, event.instance, False, event.since, "", 0, 0, now)
        await self._store(told, _heard.c.since <= event.since)

    async def measured(self, event: SchedulerMeasured, now: datetime) -> None:
        """A scheduler's figures; older ones than known change nothing."""
        told = Heard(SCHEDULER, SCHEDULER, event.instance, False, event.at, "", event.late_seconds, event.due, now)
        await self._store(told, _heard.c.since <= event.at)

    async def all(self, now: datetime) -> Sequence[Heard]:
        """All that is remembered; who has been silent for a day is forgotten, but for the scheduler heard last."""
        return await self._database.run(lambda connection: _read(connection, now - KEPT))

    async def _store(self, told: Heard, is_newer: Any) -> None:
        values = {column.name: getattr(told, column.name) for column in _heard.c} | {
            "since": told.since.astimezone(UTC)
        }
        statement = self._insert(_heard).values(values)
        keys = ["topic", "service", "instance"]
        changes = {name: statement.excluded[name] for name in values if name not in keys}
        stored = statement.on_conflict_do_update(index_elements=keys, set_=changes, where=is_newer)
        await self._database.run(lambda connection: connection.execute(stored))


def _is_as_open(since: datetime) -> Any:
    return and_(_heard.c.since == since.astimezone(UTC), _heard.c.is_open)


def forget_schedulers(connection: Connection) -> None:
    """Miss none any more, until one is heard."""
    connection.execute(delete(_heard).where(_heard.c.topic == SCHEDULER))


def _read(connection: Connection, forget_before: datetime) -> list[Heard]:
    # A scheduler is missed for as long as there is none, so the one that was heard last is not forgotten.
    newest = select(func.max(_heard.c.heard_at)).where(_heard.c.topic == SCHEDULER).scalar_subquery()
    is_missed = and_(_heard.c.topic == SCHEDULER, _heard.c.heard_at == newest)
    connection.execute(delete(_heard).where(_heard.c.heard_at < forget_before, ~is_missed))
    return [
        Heard(**{**row, "since": _utc(row["since"]), "heard_at": _utc(row["heard_at"])})
        for row in connection.execute(select(_heard)).mappings()
    ]


def _utc(moment: datetime) -> datetime:
    # SQLite keeps no time zone; all that is written is UTC.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
