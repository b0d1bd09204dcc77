"""Conditions in the service's database."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from postroom.storage.database import Database
from postroom_alerting.incidents.conditions import Condition
from postroom_alerting.incidents.sql_lifecycle import (
    BY_ITSELF,
    OPEN,
    RESOLVED,
    Change,
    apply,
    concerns,
    insert_into,
    lock,
    utc,
)
from postroom_alerting.models import ConditionRow, table_of
from postroom_alerting.notify.sql_due_notifications import SETTLING
from postroom_alerting.rules.routes import About, Rules

_conditions = table_of(ConditionRow)
_KEY_LENGTH = 10


class SqlConditionLog:
    """ConditionLog; safe with any number of replicas."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self._rules = rules

    async def observe(self, source: str, conditions: Sequence[Condition], now: datetime) -> None:
        """See ConditionLog. What cleared for less than half a minute never was away."""
        await self._database.run(lambda connection: self._observe(connection, source, conditions, now))

    async def sources(self) -> Collection[str]:
        """See ConditionLog."""
        open_ones = (
            select(_conditions.c.source)
            .join(concerns, _conditions.c.cause == concerns.c.cause)
            .where(concerns.c.state == OPEN)
            .distinct()
        )
        return await self._database.run(lambda connection: connection.execute(open_ones).scalars().all())

    def _observe(self, connection: Connection, source: str, conditions: Sequence[Condition], now: datetime) -> None:
        lock(connection)
        seen = {key_of(source, each): each for each in conditions}
        for cause, condition in sorted(seen.items()):
            self._see(connection, cause, source, condition, now)
        lasting = (
            select(concerns.c.cause)
            .join(_conditions, _conditions.c.cause == concerns.c.cause)
            .where(_conditions.c.source == source, concerns.c.state == OPEN)
        )
        gone = [cause for cause in connection.execute(lasting).scalars() if cause not in seen]
        cleared = {"state": RESOLVED, "closed_at": now, "closed_by": BY_ITSELF, "unsettled": 0}
        connection.execute(update(concerns).where(concerns.c.cause.in_(gone)).values(cleared))

    def _see(self, connection: Connection, cause: str, source: str, condition: Condition, now: datetime) -> None:
        row = connection.execute(select(concerns).where(concerns.c.cause == cause)).first()
        if row is not None and row.state == RESOLVED and row.closed_at and utc(row.closed_at) > now - SETTLING:
            reopened = {"state": OPEN, "closed_at": None, "last_at": now}
            connection.execute(update(concerns).where(concerns.c.cause == cause).values(reopened))
        elif row is None or row.state == RESOLVED:
            change = Change(cause, About.CONDITION, condition.subject[:255], condition.kind[:255], now, 1, 1, True)
            apply(connection, change, self._rules, now)
        else:
            connection.execute(update(concerns).where(concerns.c.cause == cause).values(last_at=now))
        statement = insert_into(connection, _conditions).values(_row(cause, source, condition))
        changes = {name: statement.excluded[name] for name in ("severity", "text", "advice", "since")}
        connection.execute(statement.on_conflict_do_update(index_elements=["cause"], set_=changes))


def key_of(source: str, condition: Condition) -> str:
    """The short key of a condition, as `postroom alerts` shows and takes it."""
    return hashlib.sha256(f"condition\0{source}\0{condition.key}".encode()).hexdigest()[:_KEY_LENGTH]


def _row(cause: str, source: str, condition: Condition) -> dict[str, Any]:
    return {
        "cause": cause,
        "source": source,
        "key": condition.key[:512],
        "severity": condition.severity.value,
        "text": condition.text,
        "advice": condition.advice,
        "since": condition.since,
    }
