"""Makes a table of rows: typed values, with headings and totals of groups, in one pass and constant memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain, islice
from typing import Any
from zoneinfo import ZoneInfo

from postroom_report.definition import INLINE, Column
from postroom_report.errors import BrokenReportType, InvalidRows
from postroom_report.layout import Layout, Row
from postroom_report.totals import ChartPoints, Totalling
from postroom_report.values import Cell, Money, decimals, reader, rounded

ROWS_LOOKED_AT = 200
"""To find the columns and their types when the definition names none; of rows in a message, all are looked at."""
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class GroupStart:
    """A group of rows begins. `level` counts from 1; `column` is the one it is grouped by."""

    level: int
    column: Column
    value: Cell


@dataclass(frozen=True, slots=True)
class Record:
    """A row: one value for each column. `source` is the row as it came, for a report type's own template."""

    values: tuple[Cell, ...]
    source: Row


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals under a group's rows, or with `level` 0 under all; None where a column has no total."""

    level: int
    values: tuple[Cell, ...]
    rows: int
    group: Cell = None


Item = GroupStart | Record | Totals
_CellReader = Callable[[Row], Cell]


@dataclass(slots=True)
class Table:
    """A report's content.

    Attributes:
        columns: those shown.
        rows: how many rows there were so far.
        charts: their points, complete when all items were read.
    """

    layout: Layout
    columns: tuple[Column, ...]
    _source: Iterator[Row]
    charts: tuple[ChartPoints, ...]
    rows: int = 0
    _groups: tuple[Column, ...] = ()
    _open: list[tuple[Cell, Totalling]] = field(default_factory=list)

    def items(self) -> Iterator[Item]:
        """Everything in its order, once. Raises InvalidRows, naming row and column."""
        total = Totalling(self.columns)
        readers = [_cell_reader(column, self.layout.time_zone) for column in self.columns]
        group_readers = [_cell_reader(column, self.layout.time_zone) for column in self._groups]
        charts = self._charts_with_places()
        for row in self._source:
            self.rows += 1
            values = self._read(row, self.columns, readers)
            keys = self._read(row, self._groups, group_readers) if group_readers else ()
            yield from self._change_groups(keys)
            for chart, x, y in charts:
                cells = values + keys
                chart.add(cells[x], [cells[place] for place in y])
            yield Record(values, row)
            total.add(values)
            for _, totalling in self._open:
                totalling.add(values)
        yield from self._close_groups(0)
        if total.is_wanted:
            yield Totals(0, total.values(), total.rows)

    def _charts_with_places(self) -> list[tuple[ChartPoints, int, list[int]]]:
        """The charts, and where in the values of the columns and groups those of x and y are."""
        places = {column.name: place for place, column in enumerate((*self.columns, *self._groups))}
        return [(chart, places[chart.x.name], [places[column.name] for column in chart.y]) for chart in self.charts]

    def _change_groups(self, keys: Sequence[Cell]) -> Iterator[Item]:
        same = 0
        while same < len(self._open) and self._open[same][0] == keys[same]:
            same += 1
        yield from self._close_groups(same)
        for level in range(same, len(keys)):
            self._open.append((keys[level], Totalling(self.columns)))
            yield GroupStart(level + 1, self._groups[level], keys[level])

    def _close_groups(self, down_to: int) -> Iterator[Item]:
        while len(self._open) > down_to:
            key, totalling = self._open.pop()
            if totalling.is_wanted:
                yield Totals(len(self._open) + 1, totalling.values(), totalling.rows, key)

    def _read(self, row: Row, columns: Sequence[Column], readers: Sequence[_CellReader]) -> tuple[Cell, ...]:
        try:
            return tuple([read(row) for read in readers])
        except (ValueError, ArithmeticError):
            wrong = next(column for column, read in zip(columns, readers, strict=True) if not _can(read, row))
            reason = f"row {self.rows}, column {wrong.name}: it is not of the format {wrong.format}"
            raise InvalidRows(reason) from None


def tabulate(layout: Layout, rows: Iterable[Row]) -> Table:
    """The table of these rows, which are read as its items are.

    Values of no column are left out; a missing one is empty.

    Raises InvalidRows, and BrokenReportType for a definition that names columns it does not have.
    """
    source = iter(rows)
    definition = layout.definition
    columns = definition.columns
    if columns is None:
        first = list(islice(source, None if definition.rows.database == INLINE else ROWS_LOOKED_AT))
        columns, source = _found_in(first), chain(first, source)
    by_name = {column.name: column for column in columns}
    groups = tuple(by_name.get(name, Column(name=name)) for name in definition.group_by)
    shown = tuple(column for column in columns if column.name not in definition.group_by)
    charts = []
    for chart in definition.charts:
        if missing := [name for name in (chart.x, *chart.y) if name not in by_name]:
            raise BrokenReportType(f"{layout.type}/report.yaml: a chart names {missing[0]}, which is no column")
        if mixed := [name for name in chart.y if by_name[name].currency_from]:
            raise BrokenReportType(
                f"{layout.type}/report.yaml: a chart adds up {mixed[0]}, which has several currencies"
            )
        charts.append(ChartPoints(chart, by_name[chart.x], tuple(by_name[name] for name in chart.y)))
    return Table(layout, shown, source, tuple(charts), _groups=groups)


def _cell_reader(column: Column, zone: ZoneInfo) -> _CellReader:
    """Reads the column's value out of a row; it raises ValueError or ArithmeticError. Called for every cell."""
    read, name, is_text = reader(column, zone), column.name, column.format == "text"

    def cell(row: Row) -> Cell:
        value = row.get(name)
        if value is None or (value == "" and not is_text):
            return None
        return read(value)  # type: ignore[no-any-return]

    if column.format != "money":
        return cell
    of_column = decimals(column)

    def money(row: Row) -> Cell:
        amount = cell(row)
        if not isinstance(amount, Decimal):
            return None
        currency = _currency(row, column) if column.currency_from else column.currency
        return Money(rounded(amount, decimals(column, currency) if column.currency_from else of_column), currency)

    return money


def _can(read: _CellReader, row: Row) -> bool:
    try:
        read(row)
    except (ValueError, ArithmeticError):
        return False
    return True


def _currency(row: Row, column: Column) -> str | None:
    code = row.get(column.currency_from or "")
    if not isinstance(code, str) or len(code) != 3 or not (code.isascii() and code.isalpha() and code.isupper()):
        raise ValueError
    return code


def _found_in(rows: Sequence[Row]) -> list[Column]:
    names = dict.fromkeys(name for row in rows for name in row)
    if not all(0 < len(name) <= _LONGEST_NAME for name in names):
        raise InvalidRows(f"the name of a column must have 1 to {_LONGEST_NAME} characters")
    return [Column(name=name, format=_format_of([row.get(name) for row in rows])) for name in names]


def _format_of(values: Sequence[Any]) -> Any:
    kinds = {_kind(value) for value in values if value is not None}
    if kinds == {"integer", "number"}:
        return "number"
    return kinds.pop() if len(kinds) == 1 else "text"


def _kind(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number"}
    if type(value) in names:
        return names[type(value)]
    return {"Decimal": "number", "date": "date", "datetime": "datetime"}.get(type(value).__name__, "text")
