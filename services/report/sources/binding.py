"""The values a query may use by name."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Boolean, Date, DateTime, Integer, Numeric, String, TextClause, bindparam, text
from sqlalchemy.types import TypeEngine

from services.report.definition import ParameterType
from services.report.errors import BrokenReportType, InvalidParameter
from services.report.layout import Layout

_LARGEST = 2**63 - 1  # of SQLite's whole numbers
_TYPES: dict[ParameterType, TypeEngine[Any]] = {
    "text": String(),
    "integer": Integer(),
    "number": Numeric(),
    "decimal": Numeric(),
    "date": Date(),
    "datetime": DateTime(timezone=True),
    "boolean": Boolean(),
}


def bound_query(layout: Layout, dialect: str) -> tuple[TextClause, dict[str, Any]]:
    """The query for that kind of database, and the parameters that it uses.

    Raises BrokenReportType for a name that is no parameter, and when there is no query for that kind; InvalidParameter
    for a value that the database cannot hold.
    """
    query = layout.definition.rows.query_for(dialect)
    if query is None:
        raise BrokenReportType(f"{layout.type}/report.yaml, rows.query: it has none for {dialect}")
    statement = text(query.strip().rstrip(";"))
    values, types = _values(layout), _types(layout)
    used = statement.compile().params
    for name in used:
        if name not in values:
            known = ", ".join(f":{each}" for each in values) or "none"
            raise BrokenReportType(
                f"{layout.type}/report.yaml, rows.query: :{name} is not a parameter; there are {known}; "
                "a colon of SQL's own is written \\:"
            )
    given = {name: _for_sqlite(name, values[name]) if dialect == "sqlite" else values[name] for name in used}
    # PostgreSQL cannot tell the type of `:region IS NULL`, and the driver leaves texts to it. Numbers say what they are.
    typed = [
        bindparam(name, type_=types[name]) for name, value in given.items() if value is None or isinstance(value, str | date)
    ]
    return statement.bindparams(*typed), given


def _values(layout: Layout) -> dict[str, Any]:
    """The type's parameters, and for each date `day` the moments `day_start` and `day_end` in the report's zone."""
    values = dict(layout.parameters)
    for name in _dates(layout):
        values.setdefault(f"{name}_start", _beginning(name, values[name], 0, layout.time_zone))
        values.setdefault(f"{name}_end", _beginning(name, values[name], 1, layout.time_zone))
    return values


def _types(layout: Layout) -> dict[str, TypeEngine[Any]]:
    moments = {f"{name}_{end}": _TYPES["datetime"] for name in _dates(layout) for end in ("start", "end")}
    return moments | {name: _TYPES[parameter.type] for name, parameter in layout.definition.parameters.items()}


def _dates(layout: Layout) -> list[str]:
    return [name for name, parameter in layout.definition.parameters.items() if parameter.type == "date"]


def _beginning(name: str, day: date | None, days_later: int, zone: ZoneInfo) -> datetime | None:
    if day is None:
        return None
    try:
        return datetime.combine(day + timedelta(days=days_later), time.min, zone).astimezone(UTC)
    except OverflowError:
        raise InvalidParameter(f"parameters.{name}: there is no time that early or late") from None


def _for_sqlite(name: str, value: Any) -> Any:
    if isinstance(value, int | Decimal) and abs(value) > _LARGEST:
        raise InvalidParameter(f"parameters.{name}: it is too large for this database")
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)  # kept as text without a zone
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
