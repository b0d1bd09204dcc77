"""The values a query may use by name."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Date, DateTime, TextClause, bindparam, text

from services.report.errors import BrokenReportType
from services.report.layout import Layout


def bound_query(layout: Layout, dialect: str) -> tuple[TextClause, dict[str, Any]]:
    """The query for that kind of database, and the parameters that it uses.

    Raises BrokenReportType for a name that is no parameter, and when there is no query for that kind.
    """
    query = layout.definition.rows.query_for(dialect)
    if query is None:
        raise BrokenReportType(f"{layout.type}/report.yaml, rows.query: it has none for {dialect}")
    statement = text(query.strip().rstrip(";"))
    values = query_values(layout.parameters, layout.time_zone)
    used = statement.compile().params
    for name in used:
        if name not in values:
            known = ", ".join(f":{each}" for each in values) or "none"
            raise BrokenReportType(
                f"{layout.type}/report.yaml, rows.query: :{name} is not a parameter; there are {known}; "
                "a colon of SQL's own is written \\:"
            )
    given = {name: _for_sqlite(values[name]) if dialect == "sqlite" else values[name] for name in used}
    typed = [bindparam(name, type_=_type_of(value)) for name, value in given.items() if isinstance(value, date)]
    return statement.bindparams(*typed), given


def query_values(parameters: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """The type's parameters, and for each date `day` the moments `day_start` and `day_end` in the report's zone."""
    values = dict(parameters)
    for name, value in parameters.items():
        if isinstance(value, date) and not isinstance(value, datetime):
            values.setdefault(f"{name}_start", _beginning(value, zone))
            values.setdefault(f"{name}_end", _beginning(value + timedelta(days=1), zone))
    return values


def _beginning(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _type_of(value: date) -> Date | DateTime:
    return DateTime(timezone=True) if isinstance(value, datetime) else Date()


def _for_sqlite(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)  # kept as text without a zone
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
