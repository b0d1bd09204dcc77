"""Incidents as people work with them: listed, shown, silenced, and resolved by hand."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from postroom.storage.database import Database
from postroom.wire.errors import PostroomError
from postroom_alerting.classification import IncidentType
from postroom_alerting.incidents.incident import Incident
from postroom_alerting.incidents.sql_lifecycle import OPEN, RESOLVED, incidents, lock_incidents
from postroom_alerting.incidents.sql_reader import read_incident
from postroom_alerting.incidents.sql_receivers import notification_states
from postroom_alerting.models import FailureRow, table_of
from postroom_alerting.monitor.heartbeats import forget_schedulers
from postroom_alerting.monitor.process_checks import SILENT
from postroom_alerting.rules.routes import Rules
from postroom_alerting.sql_dialects import utc

_failures = table_of(FailureRow)

MOST_LISTED = 500
MOST_MESSAGES = 20
UNSEEN = timedelta(minutes=5)
"""A condition that was not observed for so long may be resolved by hand: what lasts is observed twice a minute."""


class UnknownIncident(PostroomError):
    """There is no group or condition of that key."""


class ConditionLasts(PostroomError):
    """A condition that is still observed clears by itself. It can be silenced."""


class SqlIncidents:
    """Incidents, by key."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self._rules = rules

    async def all(self, now: datetime, *, with_resolved: bool = True) -> list[Incident]:
        """Open incidents first, of these the latest first; at most MOST_LISTED."""
        statement = select(incidents).order_by(incidents.c.state, incidents.c.last_at.desc()).limit(MOST_LISTED)
        if not with_resolved:
            statement = statement.where(incidents.c.state == OPEN)

        def read(connection: Connection) -> list[Incident]:
            rows = connection.execute(statement).all()
            return [read_incident(connection, row, self._rules, now) for row in rows]

        return await self._database.run(read)

    async def one(self, key: str, now: datetime) -> Incident:
        """Raises UnknownIncident."""

        def read(connection: Connection) -> Incident:
            return read_incident(connection, _row(connection, key), self._rules, now)

        return await self._database.run(read)

    async def messages(self, key: str) -> list[dict[str, Any]]:
        """The latest messages of a group of failures, masked; at most MOST_MESSAGES."""
        columns = ("message_id", "state", "error", "payload", "first_at", "last_at", "count", "attempts", "replays")
        latest = (
            select(*(_failures.c[name] for name in columns))
            .where(_failures.c.cause == key)
            .order_by(_failures.c.last_at.desc())
            .limit(MOST_MESSAGES)
        )
        return await self._database.run(lambda connection: _dicts(connection, latest))

    async def notification_states(self, key: str) -> list[dict[str, Any]]:
        """What each channel was last notified of, under the names that `postroom alerts show` prints."""
        states = notification_states.c
        rows = select(
            states.channel,
            states.role,
            states.notified_state.label("told_state"),
            states.notified_count.label("told_count"),
            states.notified_at.label("told_at"),
            states.due_at,
            states.tries,
        ).where(states.incident_key == key)
        return await self._database.run(lambda connection: _dicts(connection, rows))

    async def silence(self, key: str, until: datetime, *, by: str, reason: str) -> None:
        """Notify nobody of it until then. Raises UnknownIncident."""
        await self._set_silence(key, {"silenced_until": until, "silenced_by": by, "silence_reason": reason})

    async def end_silence(self, key: str) -> None:
        """Notify of it again. Raises UnknownIncident."""
        await self._set_silence(key, {"silenced_until": None, "silenced_by": "", "silence_reason": ""})

    async def silences(self, now: datetime) -> dict[str, dict[str, Any]]:
        """The silences that last, by the incident's key: `until`, `by` and `reason`."""
        silenced = select(incidents).where(incidents.c.silenced_until > now)

        def read(connection: Connection) -> dict[str, dict[str, Any]]:
            return {
                row.key: {"until": utc(row.silenced_until), "by": row.silenced_by, "reason": row.silence_reason}
                for row in connection.execute(silenced)
            }

        return await self._database.run(read)

    async def resolve(self, key: str, *, by: str, now: datetime) -> None:
        """Resolve it by hand; its messages stay where they are. Raises UnknownIncident and ConditionLasts.

        Conditions can be resolved when they were not observed for UNSEEN. That no scheduler runs always
        can: then none is expected to run, until the next heartbeat of one.
        """

        def change(connection: Connection) -> None:
            lock_incidents(connection)
            row = _row(connection, key)
            if row.what == SILENT and row.state == OPEN:
                forget_schedulers(connection)
            elif row.about == IncidentType.CONDITION and utc(row.last_at) > now - UNSEEN:
                raise ConditionLasts(f"{key} is a condition: it clears by itself. `postroom alerts mute` silences it")
            dead = (_failures.c.cause == key, _failures.c.state == OPEN)
            connection.execute(update(_failures).where(*dead).values(state=RESOLVED))
            resolved = {"state": RESOLVED, "closed_at": now, "closed_by": by, "unsettled": 0}
            is_open = (incidents.c.key == key, incidents.c.state == OPEN)
            connection.execute(update(incidents).where(*is_open).values(resolved))

        await self._database.run(change)

    async def _set_silence(self, key: str, values: dict[str, Any]) -> None:
        def change(connection: Connection) -> None:
            lock_incidents(connection)
            _row(connection, key)
            connection.execute(update(incidents).where(incidents.c.key == key).values(values))

        await self._database.run(change)


def _dicts(connection: Connection, statement: Any) -> list[dict[str, Any]]:
    return [
        {name: utc(value) if isinstance(value, datetime) else value for name, value in row.items()}
        for row in connection.execute(statement).mappings()
    ]


def _row(connection: Connection, key: str) -> Any:
    row = connection.execute(select(incidents).where(incidents.c.key == key)).first()
    if row is None:
        raise UnknownIncident(f"there is no group or condition {key}; `postroom alerts list` shows them")
    return row
