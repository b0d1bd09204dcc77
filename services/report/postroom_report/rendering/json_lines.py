"""JSON lines: one object for each row, with values in their own types and decimals exactly as they are."""

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import orjson

from postroom_report.definition import Column
from postroom_report.rendering import PagesDone
from postroom_report.tabulation import Record, Table
from postroom_report.values import Cell, Money


class JsonRenderer:
    """See Renderer."""

    def render(self, table: Table, target: Path, on_pages: PagesDone) -> int:  # noqa: ARG002 - there are no pages
        """See Renderer."""
        with target.open("w", encoding="utf-8", newline="\n", buffering=1 << 18) as file:
            names = _names(table.columns)
            for item in table.items():
                if isinstance(item, Record):
                    pairs = (f"{name}{_value(value)}" for name, value in zip(names, item.values, strict=True))
                    file.write("{" + ",".join(pairs) + "}\n")
        return 0


def _names(columns: Sequence[Column]) -> list[str]:
    return [json.dumps(column.name, ensure_ascii=False) + ":" for column in columns]


def _value(value: Cell) -> str:
    if isinstance(value, Money):
        return format(value.amount, "f")
    if isinstance(value, Decimal):
        return format(value, "f")  # a JSON number with all its digits; through a float some would be lost
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, date):  # a datetime too
        return json.dumps(value.isoformat())
    return orjson.dumps(value).decode()
