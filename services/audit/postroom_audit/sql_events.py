"""The event log in the service's database."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from postroom.storage.database import Database
from postroom.storage.group_commit import GroupCommit
from postroom.wire.errors import ProviderUnavailable
from postroom.wire.messages import JobMeasured, JobRecorded
from postroom_audit.events import AuditEvent, DeadLetterEvent
from postroom_audit.models import DeadLetterEventRow, EventRow, MeasurementRow, TryRecipientRow, TryRow
from postroom_audit.tries import recipient_values, try_values

_events: Table = EventRow.__table__  # type: ignore[attr-defined]
_measurements: Table = MeasurementRow.__table__  # type: ignore[attr-defined]
_tries: Table = TryRow.__table__  # type: ignore[attr-defined]
_recipients: Table = TryRecipientRow.__table__  # type: ignore[attr-defined]
_letters: Table = DeadLetterEventRow.__table__  # type: ignore[attr-defined]
TABLES = (_events, _measurements, _tries, _recipients, _letters)

PATIENCE = timedelta(seconds=15)
"""How long a write is waited for until the database is taken to be away."""


class _Rows(NamedTuple):
    """Rows of one table, to be stored together."""

    table: Table
    values: Sequence[dict[str, Any]]


class SqlEventLog:
    """EventLog that commits what concurrent tasks give it together; safe with any number of replicas."""

    def __init__(self, database: Database, *, patience: timedelta = PATIENCE) -> None:
        self._patience = patience
        self._commits = GroupCommit(database, self._commit)
        make = sqlite.insert if database.is_sqlite else postgresql.insert
        self._inserts = {table: make(table).on_conflict_do_nothing() for table in TABLES}

    async def record(self, event: AuditEvent) -> None:
        """See EventLog."""
        row = asdict(event) | {"at": event.at.astimezone(UTC), "recorded_at": datetime.now(UTC)}
        await self._store(_Rows(_events, [row]))

    async def record_measurement(self, measured: JobMeasured) -> None:
        """See EventLog."""
        common = {
            "at": measured.at.astimezone(UTC),
            "seconds": measured.seconds,
            "service": measured.service,
            "queue": measured.queue,
            "message_id": measured.message_id,
        }
        rows = [
            common | {"outcome": each.outcome, "milliseconds": each.milliseconds, "count": each.count}
            for each in measured.outcomes
        ]
        await self._store(_Rows(_measurements, rows))

    async def record_tries(self, recorded: JobRecorded) -> None:
        """See EventLog."""
        tries = [try_values(recorded.service, each) for each in recorded.tries]
        found = [recipient_values(each, who) for each in recorded.tries for who in each.recipients]
        await self._store(_Rows(_tries, tries), _Rows(_recipients, found))

    async def record_letters(self, letters: Sequence[DeadLetterEvent]) -> None:
        """See EventLog."""
        await self._store(_Rows(_letters, [asdict(each) | {"at": each.at.astimezone(UTC)} for each in letters]))

    async def _store(self, *rows: _Rows) -> None:
        # What is not stored by then is stored later by the same batch, or by the message's next try; once, either way.
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                await self._commits.write(rows)
        except TimeoutError:
            seconds = self._patience.total_seconds()
            raise ProviderUnavailable(f"the database has not taken a write for {seconds:g} s") from None

    def _commit(self, connection: Connection, operations: list[tuple[_Rows, ...]]) -> list[None]:
        given = [rows for operation in operations for rows in operation]
        for table, insert in self._inserts.items():
            rows = [row for each in given if each.table is table for row in each.values]
            if rows:
                # Sorted, so that two processes that store the same rows cannot wait for each other in a circle.
                connection.execute(insert, sorted(rows, key=_order))
        return [None] * len(operations)


def _order(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(row.get(name)) for name in ("try_id", "digest", "message_id", "queue", "told_by"))
