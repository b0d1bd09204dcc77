"""The text of a PDF's table: its items in order, kept in a file until the page's size is known."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from postroom_report.fonts import REPLACEMENT
from postroom_report.rendering.pdf.page_layout import ColumnMeasures
from postroom_report.rendering.pdf.text_width import breakable, directed, text_width, word_width

_BOLD = 1.08
_LINES_KEPT_TOGETHER = 15
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029\x0b\x0c\x85]")
_NO_TEXT = re.compile("[\x00-\x09\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Heading:
    """A column: `weight` is its width relative to the others where the author gave one."""

    name: str
    title: str
    numeric: bool = False
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class GroupHeading:
    """Begins a group; `level` counts from 1."""

    level: int
    words: str


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: a text for each column, and for templates the row as it came."""

    cells: tuple[str, ...]
    source: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableTotals:
    """Totals of the rows before it: a text for each column, empty where there is no total."""

    label: str
    cells: tuple[str, ...]


Item = GroupHeading | TableRow | TableTotals


@dataclass(slots=True)
class TableContent:
    """Items in a file, one JSON object per line, with what must be known of them before the first page can be made.

    Attributes:
        lines: how many items there are; totals belong to the row before them.
        measures: of each column.
        characters: all that occur.
    """

    file: Path
    headings: tuple[Heading, ...]
    lines: int = 0
    measures: list[ColumnMeasures] = field(default_factory=list)
    characters: set[str] = field(default_factory=set)

    def write(self, items: Iterable[Item]) -> None:
        """Take all items, in constant memory."""
        self.measures = [ColumnMeasures(weight=heading.weight) for heading in self.headings]
        self._measure([heading.title for heading in self.headings], bold=True)
        with self.file.open("wb") as file:
            for line in _with_totals(items):
                self._note(line)
                file.write(orjson.dumps(line) + b"\n")
                self.lines += 1

    def read(self, missing: Iterable[str], widths_in_ems: Iterable[float], *, is_rtl: bool) -> Iterator[dict[str, Any]]:
        """The items, with `missing` characters replaced and long words cut, for columns of these widths."""
        replaced = {ord(character): REPLACEMENT for character in missing}
        limits = [int(max(1.0, width) * _LINES_KEPT_TOGETHER) for width in widths_in_ems]
        with self.file.open(encoding="utf-8", newline="\n") as file:
            for line in file:
                # Escapes of JSON are ASCII, and what is missing never is.
                item: dict[str, Any] = orjson.loads(line.translate(replaced) if replaced else line)
                yield _ready(item, limits, is_rtl)

    def _note(self, line: dict[str, Any]) -> None:
        if line["kind"] == "group":
            self.characters.update(line["words"])
            return
        self._measure(line["cells"])
        for totals in line["totals"]:
            self._measure(totals["cells"], bold=True)
            self.characters.update(totals["label"])

    def _measure(self, cells: Iterable[str], *, bold: bool = False) -> None:
        factor = _BOLD if bold else 1.0
        for heading, measures, cell in zip(self.headings, self.measures, cells, strict=True):
            self.characters.update(cell)
            whole = text_width(cell) * factor
            word = whole if heading.numeric and cell != heading.title else word_width(cell) * factor
            measures.wanted = max(measures.wanted, whole)
            measures.least = max(measures.least, word)


def plain(text: str) -> str:
    """`text` with one kind of line end and without characters that are no text."""
    if text.isprintable():
        return text
    return _NO_TEXT.sub(lambda found: " " if found[0] == "\t" else REPLACEMENT, _LINE_ENDS.sub("\n", text))


def code_points(characters: Iterable[str]) -> str:
    """`U+4E00 (CJK UNIFIED IDEOGRAPH-4E00), …` for a log, at most ten of them."""
    some = sorted(characters)
    named = ", ".join(f"U+{ord(each):04X} ({unicodedata.name(each, 'no name')})" for each in some[:10])
    return named + (f" and {len(some) - 10} more" if len(some) > 10 else "")


def _with_totals(items: Iterable[Item]) -> Iterator[dict[str, Any]]:
    record: dict[str, Any] | None = None
    for item in items:
        if isinstance(item, TableTotals):
            if record is not None:
                cells = [plain(cell) for cell in item.cells]
                record["totals"].append({"label": plain(item.label), "cells": cells})
            continue
        if record is not None:
            yield record
        record = None
        if isinstance(item, TableRow):
            record = {"kind": "record", "cells": [plain(cell) for cell in item.cells], "totals": []}
        else:
            yield {"kind": "group", "level": item.level, "words": plain(item.words)}
    if record is not None:
        yield record


def _ready(item: dict[str, Any], limits: list[int], is_rtl: bool) -> dict[str, Any]:
    if item["kind"] == "group":
        return item | {"words": _given(item["words"], is_rtl)}
    cells = item["cells"]
    is_long = any(
        len(cell) > limit or cell.count("\n") >= _LINES_KEPT_TOGETHER for cell, limit in zip(cells, limits, strict=True)
    )
    totals = [
        {"label": _given(each["label"], is_rtl), "cells": [_given(cell, is_rtl) for cell in each["cells"]]}
        for each in item["totals"]
    ]
    return item | {"cells": [_given(cell, is_rtl) for cell in cells], "totals": totals, "long": is_long}


def _given(text: str, is_rtl: bool) -> Any:
    return directed(breakable(text), text, is_rtl=is_rtl)
