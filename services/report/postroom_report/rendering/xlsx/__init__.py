"""XLSX, written row by row: typed cells, a header that stays, filters, totals, and charts on a sheet of their own."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.worksheet import Worksheet

from postroom_report.errors import InvalidRows
from postroom_report.formatting import Formatting, heading
from postroom_report.labels import labels_for
from postroom_report.rendering import PagesDone
from postroom_report.rendering.xlsx.cells import Cells
from postroom_report.rendering.xlsx.chart_sheet import add_charts
from postroom_report.rendering.xlsx.sheet_names import SheetNames
from postroom_report.tabulation import GroupStart, Item, Record, Table, Totals
from postroom_report.values import Cell

MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384
_ROWS_MEASURED = 200
_WIDTHS = (8, 60)  # in characters
_WIDTHS_OF_MOMENTS = {"date": 14, "datetime": 24, "time": 11}  # which a spreadsheet writes in its own way
_LANDSCAPE_FROM = 8


class XlsxRenderer:
    """See Renderer. Rows that one sheet cannot hold continue on the next."""

    def __init__(self, most_rows: int = MOST_ROWS) -> None:
        self._most_rows = most_rows

    def render(self, table: Table, target: Path, on_pages: PagesDone) -> int:  # noqa: ARG002 - there are no pages
        """See Renderer."""
        if len(table.columns) > MOST_COLUMNS:
            raise InvalidRows(f"there are {len(table.columns)} columns; a sheet has at most {MOST_COLUMNS}")
        with TemporaryDirectory(dir=target.parent, prefix=".sheets-") as folder:
            workbook = xlsxwriter.Workbook(str(target), {"constant_memory": True, "tmpdir": folder})
            workbook.use_zip64()
            try:
                _Book(workbook, table, self._most_rows).write()
                workbook.close()
            except FileCreateError as error:
                raise error.args[0] from None  # the OSError: what is wrong with the disk
            finally:
                for sheet in workbook.worksheets():
                    with suppress(OSError):
                        sheet._opt_close()  # or after an error its file would stay open
        return 0


class _Book:
    def __init__(self, workbook: xlsxwriter.Workbook, table: Table, most_rows: int) -> None:
        self._workbook, self._table, self._most_rows = workbook, table, most_rows
        layout = table.layout
        self._formatting = Formatting(layout)
        self._cells = Cells(workbook, self._formatting)
        self._names = SheetNames()
        self._total = labels_for(self._formatting.locale.language)["total"]
        self._group_names: dict[int, str] = {}
        self._group_format = self._cells.group_format()
        self._widths = [
            max(len(heading(column)) + 4, _WIDTHS_OF_MOMENTS.get(column.format, 0)) for column in table.columns
        ]
        made_at = layout.made_at.astimezone(layout.time_zone).replace(tzinfo=None)
        workbook.set_properties({"title": layout.title, "author": layout.letterhead.name, "created": made_at})

    def write(self) -> None:
        sheet, row, last = self._new_sheet(), 1, 0
        sheets = [sheet]
        for item in self._table.items():
            for cells in self._rows_of(item):
                if row == self._most_rows:
                    self._finish(sheet, last)
                    sheet, row, last = self._new_sheet(), 1, 0
                    sheets.append(sheet)
                self._write_row(sheet, row, item, cells)
                if not (isinstance(item, Totals) and item.level == 0):
                    last = row
                row += 1
        self._finish(sheet, last)
        for each in sheets:
            self._set_widths(each)
        add_charts(self._workbook, self._table.charts, self._cells, self._formatting, self._names)

    def _new_sheet(self) -> Worksheet:
        title = self._table.layout.title
        sheet = self._workbook.add_worksheet(self._names.name(title))
        if self._formatting.is_right_to_left:
            sheet.right_to_left()
        for at, column in enumerate(self._table.columns):
            self._cells.text(sheet, (0, at), heading(column), self._cells.heading_format(column))
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        sheet.fit_to_pages(1, 0)
        sheet.set_paper(1 if self._table.layout.definition.paper == "us-letter" else 9)
        if len(self._table.columns) >= _LANDSCAPE_FROM:
            sheet.set_landscape()
        sheet.set_header("&L" + title.replace("&", "&&")[:200])
        sheet.set_footer("&R&P / &N")
        return sheet

    def _finish(self, sheet: Worksheet, last: int) -> None:
        if self._table.columns:
            sheet.autofilter(0, 0, last, len(self._table.columns) - 1)

    def _rows_of(self, item: Item) -> Iterator[tuple[Cell, ...]]:
        """Usually one; totals in several currencies have one for each, so that all stay numbers."""
        if isinstance(item, Totals) and any(isinstance(value, tuple) for value in item.values):
            lists = [value if isinstance(value, tuple) else (value,) for value in item.values]
            yield from zip_longest(*lists)
        else:
            yield () if isinstance(item, GroupStart) else item.values

    def _write_row(self, sheet: Worksheet, row: int, item: Item, values: tuple[Cell, ...]) -> None:
        if isinstance(item, GroupStart):
            self._group_names[item.level] = name = self._formatting.text(item.column, item.value)
            words = f"{'    ' * (item.level - 1)}{heading(item.column)}: {name}"
            self._cells.text(sheet, (row, 0), words, self._group_format)
            return
        style = "" if isinstance(item, Record) else "totals" if item.level else "all"
        label = self._label(item) if isinstance(item, Totals) else None
        for at, (column, value) in enumerate(zip(self._table.columns, values, strict=True)):
            self._cells.write(sheet, (row, at), column, label if at == 0 and value is None else value, style)
        if style or row <= _ROWS_MEASURED:
            self._measure(values)

    def _label(self, totals: Totals) -> str:
        return f"{self._total} {self._group_names[totals.level]}" if totals.level else self._total

    def _measure(self, values: tuple[Cell, ...]) -> None:
        for at, (column, value) in enumerate(zip(self._table.columns, values, strict=True)):
            longest = max(map(len, self._formatting.text(column, value).split("\n")))
            self._widths[at] = max(self._widths[at], longest + 2)

    def _set_widths(self, sheet: Worksheet) -> None:
        least, most = _WIDTHS
        for at, width in enumerate(self._widths):
            sheet.set_column(at, at, min(max(width, least), most))
