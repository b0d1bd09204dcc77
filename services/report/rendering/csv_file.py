"""CSV: RFC 4180, UTF-8, raw values, rows only: totals would be read as rows."""

import csv
import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from services.report.formatting import heading
from services.report.rendering import PagesDone
from services.report.tabulation import Record, Table
from services.report.values import Cell, Money

_FORMULA = re.compile(r"[\s\ufeff\u200b]*[=+\-@\uff1d\uff0b\uff0d\uff20|%]|[\t\r\n]")
"""A text that a spreadsheet might take for a formula; also behind blanks, and in full width."""


class CsvRenderer:
    """See Renderer."""

    def render(self, table: Table, target: Path, told: PagesDone) -> int:  # noqa: ARG002 - there are no pages
        """See Renderer."""
        encoding = "utf-8-sig" if table.layout.csv_byte_order_mark else "utf-8"
        with target.open("w", encoding=encoding, newline="", buffering=1 << 18) as file:
            writer = csv.writer(file, lineterminator="\r\n")
            writer.writerow([harmless(heading(column)) for column in table.columns])
            for item in table.items():
                if isinstance(item, Record):
                    writer.writerow([csv_text(value) for value in item.values])
        return 0


def csv_text(value: Cell) -> str:
    """A value as it stands in CSV: times as ISO 8601, numbers with a point, text that cannot be a formula."""
    if isinstance(value, str):
        return harmless(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Money):
        return format(value.amount, "f")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat(sep="T")
    return value.isoformat() if isinstance(value, date) else str(value)


def harmless(text: str) -> str:
    """`text` with an apostrophe before it if a spreadsheet might take it for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text
