"""Values as people of a locale write them: the same text in HTML and PDF."""

from datetime import date, datetime
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_currency, format_decimal, format_percent

from postroom_report.definition import Column
from postroom_report.layout import Layout
from postroom_report.values import EXACT, NUMBER_DECIMALS, Cell, Money, decimals, rounded

YES_NO = {"de": ("ja", "nein"), "en": ("yes", "no"), "es": ("sí", "no"), "fr": ("oui", "non"), "it": ("sì", "no")}
"""Babel has no words for these; other languages get signs."""
_SIGNS = ("✓", "✗")
_NUMERIC = frozenset({"integer", "number", "money", "percent"})


class Formatting:
    """Writes the values of one report."""

    def __init__(self, layout: Layout) -> None:
        self.locale = Locale.parse(layout.locale)
        self.is_right_to_left = self.locale.text_direction == "rtl"
        self._write = lru_cache(maxsize=10_000)(self._write_value)

    def text(self, column: Column, value: Cell) -> str:
        """`value` as it is shown in `column`; empty for None."""
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        if isinstance(value, tuple):
            return "\n".join(self.text(column, each) for each in value)
        with localcontext(EXACT):  # Babel rounds in the current context, which has too few digits for large numbers
            # True == 1 and 1 == Decimal(1): what they look like depends on their type.
            return self._write(column, type(value).__name__, value)

    def _write_value(self, column: Column, _type: str, value: Any) -> str:  # noqa: PLR0911 - one for each type
        if isinstance(value, bool):
            return YES_NO.get(self.locale.language, _SIGNS)[not value]
        if isinstance(value, int):  # of an integer column, or how many rows there were in any other
            return str(format_decimal(value, locale=self.locale))
        if isinstance(value, datetime) and column.format == "time":
            return str(format_time(value, "short", locale=self.locale))
        if isinstance(value, datetime):
            return str(format_datetime(value, "short", locale=self.locale))
        if isinstance(value, date):
            return str(format_date(value, "medium", locale=self.locale))
        if isinstance(value, Money):
            return self._money(column, value)
        if column.format == "percent":
            places = decimals(column) - 2
            pattern = str(self.locale.percent_formats[None].pattern).replace("#,##0", self._pattern(places))
            return str(format_percent(value, pattern, locale=self.locale))
        if isinstance(value, Decimal) and column.format != "integer":
            value, places = _shortened(value) if column.decimals is None else (value, column.decimals)
            return str(format_decimal(value, format=self._pattern(places), locale=self.locale))
        return str(format_decimal(value, locale=self.locale))

    def _money(self, column: Column, money: Money) -> str:
        places = decimals(column, money.currency)
        if money.currency is None:
            return str(format_decimal(money.amount, format=self._pattern(places), locale=self.locale))
        if column.decimals is None:
            return str(format_currency(money.amount, money.currency, locale=self.locale))
        pattern = str(self.locale.currency_formats["standard"].pattern).replace("#,##0.00", self._pattern(places))
        return str(format_currency(money.amount, money.currency, pattern, locale=self.locale, currency_digits=False))

    def _pattern(self, places: int) -> str:
        return "#,##0" + ("." + "0" * places if places else "")


def heading(column: Column) -> str:
    """The column's title, or one made of its name: `created_at` is `Created at`."""
    if column.title is not None:
        return column.title
    words = column.name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def is_numeric(column: Column) -> bool:
    """Whether the column's values are aligned at the right."""
    return column.format in _NUMERIC


def _shortened(number: Decimal) -> tuple[Decimal, int]:
    """The number with the digits after the point that people are shown, and how many those are."""
    shown = rounded(number, NUMBER_DECIMALS)
    shown = shown.normalize(EXACT) if shown else Decimal(0)
    return shown, max(0, -int(shown.as_tuple().exponent))
