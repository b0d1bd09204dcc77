"""Reads an incident with the details that a notification shows."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select

from postroom_alerting.classification import IncidentSeverity, IncidentType
from postroom_alerting.incidents.incident import Incident
from postroom_alerting.incidents.sql_lifecycle import OPEN
from postroom_alerting.models import ConditionRow, FailureGroupRow, FailureRow, TrendRow, table_of
from postroom_alerting.rules.routes import Rules
from postroom_alerting.sql_dialects import utc

_failures = table_of(FailureRow)
_groups = table_of(FailureGroupRow)
_conditions = table_of(ConditionRow)
_trend = table_of(TrendRow)

_SAMPLES = 3
_HOUR = timedelta(hours=1)


def read_incident(connection: Connection, row: Row[Any], rules: Rules, now: datetime) -> Incident:
    """The incident of a row of its table."""
    about = IncidentType(row.about)
    details = _of_group(connection, row, now) if about is IncidentType.FAILURES else _of_condition(connection, row)
    severity = rules.route(about, row.name, row.what).severity
    if severity is not None:
        details["severity"] = severity
    return Incident(
        key=row.key,
        about=about,
        name=row.name,
        what=row.what,
        is_open=row.state == OPEN,
        opened_at=utc(row.opened_at),
        last_at=utc(row.last_at),
        closed_at=utc(row.closed_at) if row.closed_at else None,
        closed_by=row.closed_by,
        episode=row.episode,
        total=row.total,
        unsettled=row.unsettled,
        **details,
    )


def _of_group(connection: Connection, row: Row[Any], now: datetime) -> dict[str, Any]:
    group = connection.execute(select(_groups).where(_groups.c.cause == row.key)).first()
    return {
        "severity": IncidentSeverity.WARNING,
        "text": group.error if group else "",
        "place": group.place if group else "",
        "first_at": utc(group.first_at if group else row.opened_at),
        "last_hour": _count(connection, row.key, now - _HOUR, now),
        "hour_before": _count(connection, row.key, now - 2 * _HOUR, now - _HOUR),
        "message_ids": _newest(connection, row.key),
    }


def _of_condition(connection: Connection, row: Row[Any]) -> dict[str, Any]:
    seen = connection.execute(select(_conditions).where(_conditions.c.incident_key == row.key)).first()
    return {
        "severity": IncidentSeverity(seen.severity) if seen else IncidentSeverity.WARNING,
        "text": seen.text if seen else "",
        "advice": seen.advice if seen else "",
        "first_at": utc(seen.since if seen else row.opened_at),
    }


def _newest(connection: Connection, cause: str) -> tuple[str, ...]:
    is_dead = (_failures.c.cause == cause, _failures.c.state == OPEN)
    newest = select(_failures.c.message_id).where(*is_dead).order_by(_failures.c.last_at.desc()).limit(_SAMPLES)
    return tuple(connection.execute(newest).scalars())


def _count(connection: Connection, cause: str, after: datetime, until: datetime) -> int:
    within = (_trend.c.cause == cause, _trend.c.at > after, _trend.c.at <= until)
    return int(connection.execute(select(func.coalesce(func.sum(_trend.c.count), 0)).where(*within)).scalar_one())
