"""The values a query may use by name."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Date, DateTime, TextClause, bindparam, text

from postroom_report.errors import BrokenReportType, InvalidParameter
from postroom_report.layout import Layout

_LARGEST = 2**63 - 1  # of SQLite's whole numbers


def bound_query(layout: Layout, dialect: str) -> tuple[TextClause, dict[str, Any]]:
    """The query for that kind of database, and the parameters that it uses.

    Raises BrokenReportType for a name that is no parameter, and when there is no query for that kind; InvalidParameter
    for a value that the database cannot hold.
    """
    query = layout.definition.rows.query_for(dialect)
    if query is None:
        raise BrokenReportType(f"{layout.type}/report.yaml, rows.query: it has none for {dialect}")
    statement = text(query.strip().rstrip(";"))
    values = _values(layout)
    used = statement.compile().params
    for name in used:
        if name not in values:
            known = ", ".join(f":{each}" for each in values) or "none"
            raise BrokenReportType(
                f"{layout.type}/report.yaml, rows.query: :{name} is not a parameter; there are {known}; "
                "a colon of SQL's own is written \\:"
            )
    given = {name: _for_sqlite(name, values[name]) if dialect == "sqlite" else values[name] for name in used}
    typed = [bindparam(name, type_=_type_of(value)) for name, value in given.items() if isinstance(value, date)]
    return statement.bindparams(*typed), given


def _values(layout: Layout) -> dict[str, Any]:
    """The type's parameters, and for each date `day` the moments `day_start` and `day_end` in the report's zone."""
    values = dict(layout.parameters)
    for name in (name for name, parameter in layout.definition.parameters.items() if parameter.type == "date"):
        values.setdefault(f"{name}_start", _beginning(name, values[name], 0, layout.time_zone))
        values.setdefault(f"{name}_end", _beginning(name, values[name], 1, layout.time_zone))
    return values


def _beginning(name: str, day: date | None, days_later: int, zone: ZoneInfo) -> datetime | None:
    if day is None:
        return None
    try:
        return datetime.combine(day + timedelta(days=days_later), time.min, zone).astimezone(UTC)
    except OverflowError:
        raise InvalidParameter(f"parameters.{name}: there is no time that early or late") from None


def _type_of(value: date) -> Date | DateTime:
    return DateTime(timezone=True) if isinstance(value, datetime) else Date()


def _for_sqlite(name: str, value: Any) -> Any:
    if isinstance(value, int | Decimal) and not -_LARGEST <= value <= _LARGEST:
        raise InvalidParameter(f"parameters.{name}: it is too large for this database")
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)  # kept as text without a zone
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
