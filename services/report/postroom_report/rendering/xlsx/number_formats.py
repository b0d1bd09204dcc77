"""How a spreadsheet shows values: its format codes for a column, in the words of the report's locale."""

import re

from babel import Locale
from babel.numbers import get_currency_symbol

from postroom_report.definition import Column
from postroom_report.values import NUMBER_DECIMALS, decimals

_TOKEN = re.compile(r"'((?:[^']|'')*)'|([yMdEHhKkmsa])\2*|.", re.DOTALL)
_MARKS = re.compile("[\u200e\u200f\u061c]")  # of direction: sheets from right to left have their own
_SAME = frozenset("-/.,: ")


def format_code(column: Column, locale: Locale, currency: str | None = None) -> str:
    """The code for values of `column`; of money, in `currency`."""
    if column.format == "percent":
        return "0" + _places(decimals(column) - 2) + "%"
    if column.format == "money":
        return _money(column, locale, currency)
    if column.format == "number":
        return "#,##0" + (f".{'#' * NUMBER_DECIMALS}" if column.decimals is None else _places(column.decimals))
    if column.format in ("date", "datetime", "time"):
        return _moment(column.format, locale)
    return "#,##0" if column.format == "integer" else "General"


def whole_number_code(column: Column, locale: Locale) -> str:
    """As `format_code`, for a number without a fraction: a code with optional places would leave a point behind it."""
    return "#,##0" if column.format == "number" and column.decimals is None else format_code(column, locale)


def _places(count: int) -> str:
    return "." + "0" * count if count else ""


def _money(column: Column, locale: Locale, currency: str | None) -> str:
    number = "#,##0" + _places(decimals(column, currency))
    if currency is None:
        return number
    symbol = "".join(each for each in get_currency_symbol(currency, locale=locale) if each not in '[]"-')
    pattern = str(locale.currency_formats["standard"].pattern).split(";")[0]
    space = "\u00a0" if "\u00a0" in pattern else ""
    if _MARKS.sub("", pattern).startswith("¤"):
        return f"[${symbol}]{space}{number}"
    return f"{number}{space}[${symbol}]"


def _moment(kind: str, locale: Locale) -> str:
    date = _code(str(locale.date_formats["medium"].pattern), is_time=False)
    time = _code(str(locale.time_formats["short"].pattern), is_time=True)
    return {"date": date, "time": time}.get(kind, f"{date} {time}")


def _code(pattern: str, *, is_time: bool) -> str:
    """A CLDR pattern as a spreadsheet's code; what only stands there is quoted."""
    code = ""
    for token in _TOKEN.finditer(_MARKS.sub("", pattern)):
        text, letter = token[0], token[2]
        if letter == "y":
            code += "yy" if text == "yy" else "yyyy"
        elif letter == "a":
            code += "AM/PM"
        elif letter in ("H", "h", "k", "K"):
            code += "h" * len(text)
        elif letter in ("M", "m"):
            code += ("m" if (letter == "m") == is_time else "") * len(text)
        elif letter:
            code += text.lower()
        else:
            words = token[1].replace("''", "'") if token[1] else " " if text in "\u00a0\u202f" else text
            code += words if words in _SAME else f'"{words}"'
    return code
