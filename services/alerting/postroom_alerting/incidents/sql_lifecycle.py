"""The life of an incident in SQL: it opens, grows, is resolved and opens again, in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text, update

from postroom_alerting.classification import IncidentType
from postroom_alerting.incidents.sql_receivers import add_receivers, receivers_of
from postroom_alerting.models import IncidentRow, table_of
from postroom_alerting.rules.routes import Rules
from postroom_alerting.sql_dialects import utc

OPEN, RESOLVED = "open", "resolved"
BY_ITSELF = ""
"""`closed_by` of an incident that no person resolved."""

incidents = table_of(IncidentRow)

_LOCK = 7_077_002  # PostgreSQL advisory lock


@dataclass(frozen=True, slots=True)
class IncidentChange:
    """What happened to one incident.

    Attributes:
        name, what: queue and error type, or subject and kind of the condition.
        deaths: new dead letters; of a condition, 1 when it begins.
        unsettled: by how much the number of messages that are still dead changes; may be negative.
        opens: whether it opens the incident, if that is not open yet.
    """

    key: str
    about: IncidentType
    name: str
    what: str
    last_at: datetime
    deaths: int = 0
    unsettled: int = 0
    opens: bool = False


def lock_incidents(connection: Connection) -> None:
    """Let only this transaction change incidents until it ends. On SQLite every writing transaction is alone."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))


def apply_change(connection: Connection, change: IncidentChange, rules: Rules, now: datetime) -> bool:
    """Store the change, and add receivers that the rules name. Returns whether the incident was resolved by it."""
    route = rules.route(change.about, change.name, change.what)
    row = connection.execute(incidents.select().where(incidents.c.key == change.key)).first()
    if row is None:
        connection.execute(incidents.insert().values(_new(change, now)))
        add_receivers(connection, change.key, receivers_of(route, now), notified_count=0)
        return False
    values, is_resolved = _changed(row, change, now)
    connection.execute(update(incidents).where(incidents.c.key == change.key).values(values))
    if change.deaths:
        receivers = receivers_of(route, values.get("opened_at", row.opened_at))
        # A new channel is notified of the messages that are still dead, and not of those that were settled before.
        add_receivers(connection, change.key, receivers, notified_count=row.total - row.unsettled)
    return is_resolved


def _new(change: IncidentChange, now: datetime) -> dict[str, Any]:
    return {
        "key": change.key,
        "about": change.about,
        "name": change.name,
        "what": change.what,
        "state": OPEN if change.opens else RESOLVED,
        "episode": 1 if change.opens else 0,
        "opened_at": now,
        "last_at": change.last_at,
        "closed_at": None if change.opens else now,
        "closed_by": BY_ITSELF,
        "total": change.deaths,
        "unsettled": max(change.unsettled, 0),
        "silenced_by": "",
        "silence_reason": "",
    }


def _changed(row: Any, change: IncidentChange, now: datetime) -> tuple[dict[str, Any], bool]:
    unsettled = max(row.unsettled + change.unsettled, 0)
    values: dict[str, Any] = {
        "total": row.total + change.deaths,
        "unsettled": unsettled,
        "last_at": max(utc(row.last_at), change.last_at),
    }
    if row.state == RESOLVED and change.opens:
        return values | {"state": OPEN, "episode": row.episode + 1, "opened_at": now, "closed_at": None}, False
    if row.state == OPEN and change.unsettled < 0 and unsettled == 0:
        return values | {"state": RESOLVED, "closed_at": now, "closed_by": BY_ITSELF}, True
    return values, False
