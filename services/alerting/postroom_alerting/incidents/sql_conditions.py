"""The condition log in the service's database: each condition is an incident."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from postroom.storage.database import Database
from postroom_alerting.classification import IncidentType
from postroom_alerting.incidents.conditions import Condition
from postroom_alerting.incidents.sql_lifecycle import (
    BY_ITSELF,
    OPEN,
    RESOLVED,
    IncidentChange,
    apply_change,
    incidents,
    lock_incidents,
)
from postroom_alerting.models import ConditionRow, table_of
from postroom_alerting.rules.routes import Rules
from postroom_alerting.sql_dialects import insert_into, utc

SETTLING = timedelta(seconds=30)
"""How long a condition must have been clear to count as cleared: replicas may disagree for a moment."""

_conditions = table_of(ConditionRow)
_KEY_LENGTH = 10


class SqlConditionLog:
    """ConditionLog; safe with any number of replicas."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self._rules = rules

    async def observe(self, source: str, conditions: Sequence[Condition], now: datetime) -> None:
        """See ConditionLog. A condition that is seen again within SETTLING after it cleared has not cleared."""
        await self._database.run(lambda connection: self._observe(connection, source, conditions, now))

    async def sources(self) -> Collection[str]:
        """See ConditionLog."""
        of_open = (
            select(_conditions.c.source)
            .join(incidents, _conditions.c.incident_key == incidents.c.key)
            .where(incidents.c.state == OPEN)
            .distinct()
        )
        return await self._database.run(lambda connection: connection.execute(of_open).scalars().all())

    def _observe(self, connection: Connection, source: str, conditions: Sequence[Condition], now: datetime) -> None:
        lock_incidents(connection)
        seen = {key_of(source, each): each for each in conditions}
        for key, condition in sorted(seen.items()):
            self._open_or_update(connection, key, condition, now)
            _store_details(connection, key, source, condition)
        lasting = (
            select(incidents.c.key)
            .join(_conditions, _conditions.c.incident_key == incidents.c.key)
            .where(_conditions.c.source == source, incidents.c.state == OPEN)
        )
        gone = [key for key in connection.execute(lasting).scalars() if key not in seen]
        cleared = {"state": RESOLVED, "closed_at": now, "closed_by": BY_ITSELF, "unsettled": 0}
        connection.execute(update(incidents).where(incidents.c.key.in_(gone)).values(cleared))

    def _open_or_update(self, connection: Connection, key: str, condition: Condition, now: datetime) -> None:
        row = connection.execute(select(incidents).where(incidents.c.key == key)).first()
        if row is not None and row.state == RESOLVED and row.closed_at and utc(row.closed_at) > now - SETTLING:
            reopened = {"state": OPEN, "closed_at": None, "last_at": now}
            connection.execute(update(incidents).where(incidents.c.key == key).values(reopened))
        elif row is None or row.state == RESOLVED:
            name, what = condition.subject[:255], condition.kind[:255]
            change = IncidentChange(key, IncidentType.CONDITION, name, what, now, deaths=1, unsettled=1, opens=True)
            apply_change(connection, change, self._rules, now)
        else:
            connection.execute(update(incidents).where(incidents.c.key == key).values(last_at=now))


def key_of(source: str, condition: Condition) -> str:
    """The key of the condition's incident, which `postroom alerts` takes."""
    return hashlib.sha256(f"condition\0{source}\0{condition.key}".encode()).hexdigest()[:_KEY_LENGTH]


def _store_details(connection: Connection, key: str, source: str, condition: Condition) -> None:
    row = {
        "incident_key": key,
        "source": source,
        "key": condition.key[:512],
        "severity": condition.severity.value,
        "text": condition.text,
        "advice": condition.advice,
        "since": condition.since,
    }
    statement = insert_into(connection, _conditions).values(row)
    changes = {name: statement.excluded[name] for name in ("severity", "text", "advice", "since")}
    connection.execute(statement.on_conflict_do_update(index_elements=["incident_key"], set_=changes))
