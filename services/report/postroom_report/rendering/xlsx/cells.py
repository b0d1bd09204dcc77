"""Cells: a value of ours as one that a spreadsheet keeps exactly, or as text."""

import logging
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

import xlsxwriter
from babel import Locale
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from postroom_report.definition import Column
from postroom_report.formatting import Formatting, is_numeric
from postroom_report.rendering.xlsx.number_formats import format_code, whole_number_code
from postroom_report.values import Cell, Money

log = logging.getLogger(__name__)

LONGEST_TEXT = 32_767
"""In one cell, counted in UTF-16."""
_DIGITS = 15
_TOO_LARGE: int = 10**_DIGITS
_FIRST_YEAR = 1901  # spreadsheets disagree about days before March 1900


class Cells:
    """Writes cells of one workbook. Text is always text: never a formula, a link or markup."""

    def __init__(self, workbook: xlsxwriter.Workbook, formatting: Formatting) -> None:
        self._workbook = workbook
        self._locale = formatting.locale
        self._sides = ("right", "left") if formatting.is_right_to_left else ("left", "right")
        words = [formatting.text(Column(name="truth", format="boolean"), truth) for truth in (True, False)]
        # For LibreOffice, in which a truth value is a number; Excel has words of its own and does not look.
        self._boolean_code = '"{0}";"{0}";"{1}"'.format(*words)
        self._format = lru_cache(maxsize=None)(self._make_format)
        self._codes: dict[tuple[str, str | None, str], str] = {}
        self._cut = 0

    def group_format(self) -> Format:
        """Of the line above a group."""
        return self._workbook.add_format({"bold": True, "num_format": "@", "align": self._sides[0]})

    def heading_format(self, column: Column) -> Format:
        """The format of the heading of `column`."""
        numeric = is_numeric(column)
        look = {"bold": True, "bg_color": "#E9EDF1", "bottom": 1, "align": self._sides[numeric]}
        return self._workbook.add_format(look | ({} if numeric else {"indent": 1}))

    def write(self, sheet: Worksheet, place: tuple[int, int], column: Column, value: Cell, style: str = "") -> None:
        """Write `value`; `style` is empty, `totals` or `all` for the grand totals."""
        row, at = place
        if value is None or value == "":
            if style:
                sheet.write_blank(row, at, None, self._format(column.name, style, "General", is_numeric(column)))
        elif isinstance(value, bool):
            sheet.write_boolean(row, at, value, self._format(column.name, style, self._boolean_code, numeric=False))
        elif isinstance(value, str):
            self.text(sheet, place, value, self._format(column.name, style, "@", is_numeric(column)))
        elif isinstance(value, date):  # a datetime too
            self._moment(sheet, place, column, value, style)
        elif isinstance(value, Money):
            self._number(sheet, place, value.amount, (column, style, value.currency))
        elif isinstance(value, int | Decimal):
            self._number(sheet, place, value, (column, style, None))

    def text(self, sheet: Worksheet, place: tuple[int, int], text: str, style: Format | None = None) -> None:
        """Write `text` as text, cut where a cell can hold no more."""
        if len(text) * 2 > LONGEST_TEXT:
            text = self._shortened(text)
        if text.startswith("<r>") and text.endswith("</r>"):
            # XlsxWriter, in constant memory, writes that as it is, for markup; of three pieces it makes its own.
            sheet.write_rich_string(*place, *text[:2], text[2:], *([style] if style else []))
        else:
            sheet.write_string(*place, text, style)

    def _shortened(self, text: str) -> str:
        whole = text.encode("utf-16-le")
        if len(whole) <= 2 * LONGEST_TEXT:
            return text
        self._cut += 1
        if self._cut == 1:
            log.warning("A text is longer than the %d characters of a spreadsheet's cell and was cut", LONGEST_TEXT)
        return whole[: 2 * LONGEST_TEXT - 2].decode("utf-16-le", errors="ignore") + "…"

    def _number(
        self, sheet: Worksheet, place: tuple[int, int], value: int | Decimal, kind: tuple[Column, str, str | None]
    ) -> None:
        column, style, currency = kind
        look = _look_of(value)
        if _keeps(value, exact=look != "" or column.format == "money"):
            code = self._code(column, currency, look)
            sheet.write_number(*place, float(value), self._format(column.name, style, code, is_numeric(column)))
        else:
            self.text(sheet, place, _plain(value), self._format(column.name, style, "@", numeric=True))

    def _moment(self, sheet: Worksheet, place: tuple[int, int], column: Column, value: date, style: str) -> None:
        if value.year < _FIRST_YEAR:
            self.text(sheet, place, value.isoformat(), self._format(column.name, style, "@", numeric=False))
            return
        # A spreadsheet knows no time zones: what it shows is the clock of the report's.
        naive = value.replace(tzinfo=None) if isinstance(value, datetime) else value
        sheet.write_datetime(*place, naive, self._format(column.name, style, self._code(column), numeric=False))

    def _code(self, column: Column, currency: str | None = None, look: str = "") -> str:
        key = (column.name, currency, look)
        if key not in self._codes:
            self._codes[key] = _code_of(column, self._locale, currency, look)
        return self._codes[key]

    def _make_format(self, _column: str, style: str, code: str, numeric: bool) -> Format:
        properties: dict[str, object] = {"num_format": code, "valign": "top", "align": self._sides[numeric]}
        if not numeric:
            properties["indent"] = 1  # or it would touch the number beside it
        if style:
            properties |= {"bold": True, "top": 6 if style == "all" else 1}
        return self._workbook.add_format(properties)


def _look_of(value: int | Decimal) -> str:
    """What a number's code depends on: a `count` is also any value of an integer column, which looks the same."""
    if isinstance(value, int):
        return "count"
    return "whole" if value == value.to_integral_value() else ""


def _plain(value: int | Decimal) -> str:
    return str(value) if isinstance(value, int) else format(value, "f")


def _code_of(column: Column, locale: Locale, currency: str | None, look: str) -> str:
    if look == "count":
        return "#,##0"
    if look == "whole" and column.format != "money":
        return whole_number_code(column, locale)
    if column.format == "integer":
        return "#,##0.0"  # an average
    return format_code(column, locale, currency)


def _keeps(value: int | Decimal, *, exact: bool) -> bool:
    """Whether a spreadsheet, which has 15 digits, keeps the number; a fraction's last ones may go unless `exact`."""
    if isinstance(value, int):
        return -_TOO_LARGE < value < _TOO_LARGE
    return not exact or (value.adjusted() < _DIGITS and len(value.normalize().as_tuple().digits) <= _DIGITS)
