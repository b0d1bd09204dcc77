"""CSV: RFC 4180, UTF-8, raw values, rows only: totals would be read as rows."""

import csv
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from postroom_report.formatting import heading
from postroom_report.rendering import PagesDone
from postroom_report.tabulation import Record, Table
from postroom_report.values import Money

_FORMULA = re.compile(r"[\s\ufeff\u200b]*[=+\-@\uff1d\uff0b\uff0d\uff20|%]|[\t\r\n]")
"""A text that a spreadsheet might take for a formula; also behind blanks, and in full width."""


class CsvRenderer:
    """See Renderer."""

    def render(self, table: Table, target: Path, on_pages: PagesDone) -> int:  # noqa: ARG002 - there are no pages
        """See Renderer."""
        encoding = "utf-8-sig" if table.layout.csv_byte_order_mark else "utf-8"
        with target.open("w", encoding=encoding, newline="", buffering=1 << 18) as file:
            writer = csv.writer(file, lineterminator="\r\n")
            writer.writerow([harmless(heading(column)) for column in table.columns])
            for item in table.items():
                if isinstance(item, Record):
                    writer.writerow([_WRITERS[type(value)](value) for value in item.values])
        return 0


def harmless(text: str) -> str:
    """`text` with an apostrophe before it if a spreadsheet might take it for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def _decimal(number: Decimal) -> str:
    return format(number, "f")


_WRITERS: dict[type[Any], Callable[[Any], str]] = {
    str: harmless,
    int: str,
    type(None): lambda _: "",
    bool: lambda value: "true" if value else "false",
    Decimal: _decimal,
    Money: lambda money: _decimal(money.amount),
    date: date.isoformat,
    datetime: datetime.isoformat,
}
"""How values stand in CSV: times as ISO 8601, numbers with a point, text that cannot be a formula."""
