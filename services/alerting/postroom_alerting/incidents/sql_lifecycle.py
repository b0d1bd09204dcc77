"""Concerns in SQL: how they open, grow and close, inside a transaction of the caller's."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, text, update
from sqlalchemy.dialects import postgresql, sqlite

from postroom_alerting.models import ConcernRow, NoticeRow, table_of
from postroom_alerting.rules.routes import About, Route, Rules

OPEN, RESOLVED = "open", "resolved"
FIRST, ESCALATION = "first", "escalation"
BY_ITSELF = ""

concerns = table_of(ConcernRow)
notices = table_of(NoticeRow)

Places = dict[tuple[str, str], datetime | None]
"""Who is told: channel and role, and when that is due; None for at once."""

_LOCK = 7_077_002  # PostgreSQL advisory lock: one process at a time changes concerns, so that none sees half of them


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one concern: so many deaths, so many messages more or fewer that are dead still.

    Attributes:
        opens: whether something of it is open that was not.
    """

    cause: str
    about: About
    name: str
    what: str
    last_at: datetime
    deaths: int = 0
    unsettled: int = 0
    opens: bool = False


def lock(connection: Connection) -> None:
    """Let no other process change concerns until the transaction ends. On SQLite every transaction does that."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))


def insert_into(connection: Connection, table: Any) -> Any:
    """An INSERT that knows ON CONFLICT."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def apply(connection: Connection, change: Change, rules: Rules, now: datetime) -> bool:
    """Bring the concern to what `change` says, and note who is to be told. Whether it was resolved by it."""
    route = rules.route(change.about, change.name, change.what)
    row = connection.execute(concerns.select().where(concerns.c.cause == change.cause)).first()
    if row is None:
        connection.execute(concerns.insert().values(_new(change, now)))
        add_notices(connection, change.cause, places_of(route, now), told_count=0)
        return False
    values, is_resolved = _changed(row, change, now)
    connection.execute(update(concerns).where(concerns.c.cause == change.cause).values(values))
    if change.deaths:
        # To a channel that is new to it, what is dead is news, and what was settled is not.
        places = places_of(route, values.get("opened_at", row.opened_at))
        add_notices(connection, change.cause, places, told_count=row.total - row.unsettled)
    return is_resolved


def _new(change: Change, now: datetime) -> dict[str, Any]:
    return {
        "cause": change.cause,
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
        "muted_by": "",
        "mute_reason": "",
    }


def _changed(row: Any, change: Change, now: datetime) -> tuple[dict[str, Any], bool]:
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


def places_of(route: Route, opened_at: datetime) -> Places:
    """Who is told of a concern that opened then."""
    places: Places = {(channel, FIRST): None for channel in route.channels}
    if route.escalate_after is not None:
        due_at = utc(opened_at) + route.escalate_after
        places |= {(channel, ESCALATION): due_at for channel in route.escalate_to}
    return places


def add_notices(connection: Connection, cause: str, places: Places, *, told_count: int) -> None:
    """A row for each that has none yet, as if told of so many deaths; and to each the time when it is due."""
    keys = ["cause", "channel", "role"]
    common = {"cause": cause, "told_episode": 0, "told_state": "", "told_count": told_count, "tries": 0}
    for (channel, role), due_at in places.items():
        row = common | {"channel": channel, "role": role, "due_at": due_at}
        statement = insert_into(connection, notices).values(row)
        if due_at is None:
            connection.execute(statement.on_conflict_do_nothing())
        else:
            connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={"due_at": due_at}))


def is_notice(row: Row[Any]) -> Any:
    """That it is the notice of `row`."""
    return and_(notices.c.cause == row.cause, notices.c.channel == row.channel, notices.c.role == row.role)


def utc(moment: datetime) -> datetime:
    """`moment` as it was written: SQLite keeps no time zone, and all that is written is UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
