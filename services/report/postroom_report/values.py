"""The values of a report's cells: from what a database or JSON gave to a column's own type, exactly."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from babel.numbers import get_currency_precision

from postroom_report.definition import Column

EXACT = Context(prec=500, rounding=ROUND_HALF_UP)
"""Halves are rounded away from zero, in every format; sums of numbers that we take have fewer digits."""
NUMBER_DECIMALS = 6
_LONGEST_NUMBER = 40  # digits before the point
_TOO_LARGE = 10**_LONGEST_NUMBER
_SMALLEST = -400  # power of ten: smaller than any float. "1e-999999" would be a million digits in a file


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency (ISO 4217), which may be unknown."""

    amount: Decimal
    currency: str | None


Cell = None | str | int | bool | Decimal | Money | date | datetime | tuple[Money, ...]
"""What a cell holds. Only totals have several amounts: one for each currency."""


def reader(column: Column, zone: ZoneInfo) -> Callable[[Any], Any]:
    """A function that makes a value of `column`'s type; amounts of money come as Decimal.

    It raises ValueError for what cannot be one. None stays None.
    """
    if column.format in ("number", "percent", "money"):
        # Of money when the row's currency is known.
        is_exact = column.format == "money" or (column.format == "number" and column.decimals is None)
        places = None if is_exact else decimals(column)
        return lambda value: _decimal(value, places)
    if column.format in ("datetime", "time"):
        return lambda value: read_datetime(value, zone)
    if column.format == "date":
        return lambda value: _date(value, zone)
    return {"text": _text, "integer": _integer, "boolean": _boolean}[column.format]


def decimals(column: Column, currency: str | None = None) -> int:
    """Digits after the point that values of `column` are shown with; of a percentage, as a fraction, two more."""
    if column.format == "percent":
        return 2 + (1 if column.decimals is None else column.decimals)
    if column.decimals is not None:
        return column.decimals
    if column.format == "money":
        return get_currency_precision(currency or column.currency or "EUR")
    return NUMBER_DECIMALS


def plain_decimal(text: str) -> Decimal:
    """The number that a text is; no `1_000` and no digits of other scripts, which Python's own numbers may have.

    Raises ValueError and InvalidOperation.
    """
    if "_" in text or not text.isascii():
        raise ValueError
    return Decimal(text.strip())


def rounded(value: Decimal, places: int) -> Decimal:
    """`value` with at most so many digits after the point."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent > places:
        value = value.quantize(Decimal(1).scaleb(-places), context=EXACT)
    return value or value.copy_abs()  # nothing is owed where -0.001 is shown as 0.00


def read_datetime(value: Any, zone: ZoneInfo) -> datetime:
    """A time in `zone`; one without a zone is taken as UTC, as SQLite keeps it.

    It has a fixed distance from UTC: when clocks are set back, two different times of a zone would count as equal.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        raise ValueError("a day is no time")  # noqa: TRY004
    at = value if isinstance(value, datetime) else datetime.fromisoformat(_string(value))
    there = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(zone)
    return there.replace(tzinfo=timezone(there.utcoffset() or timedelta()), fold=0)


def _decimal(value: Any, places: int | None) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValueError  # noqa: TRY004 - one error for all that does not fit
    try:
        # str of a float is the shortest text that means it.
        number = value if isinstance(value, Decimal) else plain_decimal(str(value))
    except InvalidOperation:
        raise ValueError from None
    if not number.is_finite() or not _SMALLEST < number.adjusted() < _LONGEST_NUMBER:
        raise ValueError
    return number if places is None else rounded(number, places)


def _integer(value: Any) -> int:
    if isinstance(value, bool):
        raise ValueError  # noqa: TRY004
    if isinstance(value, float | Decimal):
        if not math.isfinite(value) or abs(value) >= _TOO_LARGE or value != int(value):
            raise ValueError
        return int(value)
    text = "" if isinstance(value, int) else _string(value)
    number = value if isinstance(value, int) else int(text)
    if len(text) > _LONGEST_NUMBER or abs(number) >= _TOO_LARGE:
        raise ValueError
    return number


def _boolean(value: Any) -> bool:
    known = {True: True, False: False, "true": True, "false": False, "t": True, "f": False}
    if not isinstance(value, bool | int | str) or value not in known:
        raise ValueError
    return known[value]


def _date(value: Any, zone: ZoneInfo) -> date:
    if isinstance(value, datetime):
        return read_datetime(value, zone).date() if value.tzinfo else value.date()
    if isinstance(value, date):
        return value
    text = _string(value)
    return date.fromisoformat(text) if len(text) == 10 else read_datetime(text, zone).date()


def _text(value: Any) -> str:
    if isinstance(value, str):
        text = value
    elif isinstance(value, bytes | bytearray | memoryview):
        raise ValueError("bytes are no text")  # noqa: TRY004
    elif isinstance(value, dict | list):
        text = orjson.dumps(value, default=str).decode()
    elif isinstance(value, datetime | date):
        text = value.isoformat()
    else:
        text = str(value)
    return text.replace("\0", "").encode(errors="replace").decode()


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004
    return value.strip()
