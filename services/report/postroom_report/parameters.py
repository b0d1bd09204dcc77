"""Makes the layout of a report from its request: checks parameters, fills in defaults and title."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime

from postroom_report.definition import Definition, Parameter
from postroom_report.errors import BrokenReportType, InvalidParameter
from postroom_report.layout import Layout, Letterhead
from postroom_report.registry import FILE, ReportTypes
from postroom_report.render_request import RenderRequest
from postroom_report.values import plain_decimal

ALWAYS_ALLOWED = ("locale", "time_zone")
_LONGEST_TEXT = 10_000
_Setting = TypeVar("_Setting")
_PLACE = re.compile(r"\{(\w+)\}")


def make_layout(request: RenderRequest) -> Layout:
    """The layout of a request.

    Raises UnknownReportType, BrokenReportType, and InvalidParameter, which names the parameter.
    """
    folder, definition = ReportTypes(request.type_folders).find(request.job.type)
    given = request.job.parameters
    zone = _setting(given, "time_zone", definition.time_zone, ZoneInfo, "a zone such as Europe/Berlin")
    locale = _setting(given, "locale", definition.locale, _locale, "a locale such as de or pt_BR")
    moment = (request.moment if request.moment.tzinfo else request.moment.replace(tzinfo=UTC)).astimezone(zone)
    values = read_parameters(definition, given, moment)
    shown = {name: _shown(value, locale, zone) for name, value in values.items()}
    title = _fill(definition.title, shown)
    logo = request.letterhead_logo
    return Layout(
        type=request.job.type,
        folder=folder,
        definition=definition,
        format=request.job.format,
        title=title,
        label=_fill(definition.file_name, {name: _plain(value) for name, value in values.items()}) or title,
        parameters=values,
        made_at=moment,
        locale=str(locale),
        time_zone=zone,
        letterhead=Letterhead(request.letterhead_name, tuple(request.letterhead_lines), logo),
        fonts_folder=request.fonts_folder,
        csv_byte_order_mark=request.csv_byte_order_mark,
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
        if value is None and parameter.default is None and parameter.required:
            raise InvalidParameter(f"parameters.{name}: it must be given")
        default, choices = _authored(name, parameter, moment)
        values[name] = default if value is None else _checked(name, parameter, value, moment)
        if choices is not None and values[name] is not None and values[name] not in choices:
            raise InvalidParameter(f"parameters.{name}: it must be one of {', '.join(map(str, choices))}")
    return values


def _authored(name: str, parameter: Parameter, moment: datetime) -> tuple[Any, list[Any] | None]:
    """The default and the choices, as the type's author wrote them. Raises BrokenReportType."""
    try:
        default = None if parameter.default is None else _checked(name, parameter, parameter.default, moment)
        choices = parameter.choices
        return default, None if choices is None else [_checked(name, parameter, each, moment) for each in choices]
    except InvalidParameter:
        wanted = _WANTED[parameter.type]
        raise BrokenReportType(f"{FILE}, parameters.{name}: default and choices must each be {wanted}") from None


def _checked(name: str, parameter: Parameter, value: Any, moment: datetime) -> Any:
    try:
        return _READERS[parameter.type](value, moment)
    except (ValueError, TypeError, InvalidOperation, OverflowError):
        raise InvalidParameter(f"parameters.{name}: it must be {_WANTED[parameter.type]}") from None


def _setting(
    given: Mapping[str, Any], name: str, authored: str, read: Callable[[Any], _Setting], wanted: str
) -> _Setting:
    """A parameter of every type: what the message says goes before what the author wrote."""
    value = given.get(name)
    try:
        return read(authored if value is None else value)
    except (LookupError, ValueError, TypeError, AttributeError, OSError, UnknownLocaleError):
        if value is None:
            raise BrokenReportType(f"{FILE}, {name}: it must be {wanted}") from None
        raise InvalidParameter(f"parameters.{name}: it must be {wanted}") from None


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
    number = plain_decimal(str(value))
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


def _locale(name: Any) -> Locale:
    return Locale.parse(name.replace("-", "_"))


def _shown(value: Any, locale: Locale, zone: ZoneInfo) -> str:
    if isinstance(value, datetime):
        return str(format_datetime(value.astimezone(zone), "medium", locale=locale))
    if isinstance(value, date):
        return str(format_date(value, "long", locale=locale))
    return _plain(value)


def _plain(value: Any) -> str:
    return "" if value is None else value.isoformat() if isinstance(value, date) else str(value)


def _fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with `{name}` replaced; nothing else of Python's formatting is understood."""
    return _PLACE.sub(lambda place: values.get(place[1], place[0]), text)
