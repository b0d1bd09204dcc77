"""From what a message asks for to a layout: parameters checked, defaults and title filled in."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime

from services.report.definition import Definition, Parameter
from services.report.errors import InvalidParameter
from services.report.layout import Layout, Letterhead
from services.report.order import Order
from services.report.registry import ReportTypes

ALWAYS_ALLOWED = ("locale", "time_zone")
_LONGEST_TEXT = 10_000
_PLACE = re.compile(r"\{(\w+)\}")


def make_layout(order: Order) -> Layout:
    """The layout of what is ordered.

    Raises UnknownReportType, BrokenReportType, and InvalidParameter, which names the parameter.
    """
    folder, definition = ReportTypes(order.type_folders).find(order.job.type)
    given = order.job.parameters
    zone = _zone(given.get("time_zone", definition.time_zone))
    locale = _locale(given.get("locale", definition.locale))
    moment = (order.moment if order.moment.tzinfo else order.moment.replace(tzinfo=UTC)).astimezone(zone)
    values = read_parameters(definition, given, moment)
    shown = {name: _shown(value, locale) for name, value in values.items()}
    title = _fill(definition.title, shown)
    logo = order.letterhead_logo
    return Layout(
        type=order.job.type,
        folder=folder,
        definition=definition,
        format=order.job.format,
        title=title,
        label=_fill(definition.file_name, {name: _plain(value) for name, value in values.items()}) or title,
        parameters=values,
        made_at=moment,
        locale=str(locale),
        time_zone=zone,
        letterhead=Letterhead(order.letterhead_name, tuple(order.letterhead_lines), logo),
        fonts_folder=order.fonts_folder,
        csv_byte_order_mark=order.csv_byte_order_mark,
    )


def read_parameters(definition: Definition, given: Mapping[str, Any], moment: datetime) -> dict[str, Any]:
    """All parameters of the type by name, in their own types; None for one that is neither given nor defaulted.

    Args:
        moment: in the report's time zone; `today` is its day.
    """
    known = definition.parameters
    for name in given:
        if name not in known and name not in ALWAYS_ALLOWED:
            names = ", ".join([*known, *ALWAYS_ALLOWED])
            raise InvalidParameter(f"parameters.{name[:60]}: this report type has no such parameter; it has {names}")
    values: dict[str, Any] = {}
    for name, parameter in known.items():
        value = given.get(name)
        value = parameter.default if value is None else value
        if value is None and parameter.required:
            raise InvalidParameter(f"parameters.{name}: it must be given")
        values[name] = None if value is None else _checked(name, parameter, value, moment)
    return values


def _checked(name: str, parameter: Parameter, value: Any, moment: datetime) -> Any:
    try:
        read = _READERS[parameter.type](value, moment)
    except (ValueError, TypeError, InvalidOperation, OverflowError):
        raise InvalidParameter(f"parameters.{name}: it must be {_WANTED[parameter.type]}") from None
    if parameter.choices is not None and read not in [
        _READERS[parameter.type](choice, moment) for choice in parameter.choices
    ]:
        choices = ", ".join(str(choice) for choice in parameter.choices)
        raise InvalidParameter(f"parameters.{name}: it must be one of {choices}")
    return read


def _text(value: Any, _moment: datetime) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or "\0" in value:
        raise ValueError
    return value


def _integer(value: Any, _moment: datetime) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str) or len(str(value)) > 30:
        raise ValueError
    return int(value)


def _decimal(value: Any, _moment: datetime) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError  # noqa: TRY004 - one error for all that is wrong
    number = Decimal(str(value))
    if not number.is_finite() or abs(number.adjusted()) > 30:
        raise ValueError
    return number


def _boolean(value: Any, _moment: datetime) -> bool:
    words = {True: True, False: False, "true": True, "false": False}
    if not isinstance(value, bool | str) or value not in words:
        raise ValueError
    return words[value]


def _date(value: Any, moment: datetime) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):  # YAML knows dates
        return value
    today = moment.date()
    month = today.replace(day=1)
    words = {
        "today": today,
        "yesterday": today - timedelta(days=1),
        "month-start": month,
        "last-month-start": (month - timedelta(days=1)).replace(day=1),
    }
    return words[value] if value in words else date.fromisoformat(value)


def _datetime(value: Any, moment: datetime) -> datetime:
    at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return (at if at.tzinfo else at.replace(tzinfo=moment.tzinfo)).astimezone(UTC)


_READERS = {
    "text": _text,
    "integer": _integer,
    "number": _decimal,
    "decimal": _decimal,
    "date": _date,
    "datetime": _datetime,
    "boolean": _boolean,
}
_WANTED = {
    "text": f"a text of at most {_LONGEST_TEXT:,} characters",
    "integer": "a whole number",
    "number": "a number",
    "decimal": "a decimal number with a point",
    "date": "a date such as 2026-01-31",
    "datetime": "a time such as 2026-01-31T14:00:00+01:00",
    "boolean": "true or false",
}


def _zone(name: Any) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, TypeError, OSError):
        raise InvalidParameter("parameters.time_zone: it must be a zone such as Europe/Berlin") from None


def _locale(name: Any) -> Locale:
    try:
        return Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError, AttributeError):
        raise InvalidParameter("parameters.locale: it must be a locale such as de or pt_BR") from None


def _shown(value: Any, locale: Locale) -> str:
    if isinstance(value, datetime):
        return str(format_datetime(value, "medium", locale=locale))
    if isinstance(value, date):
        return str(format_date(value, "long", locale=locale))
    return _plain(value)


def _plain(value: Any) -> str:
    return "" if value is None else value.isoformat() if isinstance(value, date) else str(value)


def _fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with `{name}` replaced; nothing else of Python's formatting is understood."""
    return _PLACE.sub(lambda place: values.get(place[1], place[0]), text)
