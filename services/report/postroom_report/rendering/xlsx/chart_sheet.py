"""The sheet with a report's charts, and beside them the points they show."""

from collections.abc import Sequence

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from postroom_report.charts import COLOURS, label_of
from postroom_report.definition import Column
from postroom_report.formatting import Formatting, heading
from postroom_report.rendering.xlsx.cells import Cells
from postroom_report.rendering.xlsx.number_formats import format_code
from postroom_report.rendering.xlsx.sheet_names import SheetNames
from postroom_report.totals import ChartPoints

_CHART_ROWS = 22
_LABEL = Column(name="label")  # what stands under a point is a text, whatever the column of x is
_SIZE = {"width": 860, "height": 400}


def add_charts(
    workbook: xlsxwriter.Workbook,
    charts: Sequence[ChartPoints],
    cells: Cells,
    formatting: Formatting,
    names: SheetNames,
) -> None:
    """Add the sheet, if there are charts with points."""
    shown = [points for points in charts if points.points]
    if not shown:
        return
    name = names.name("Charts")
    sheet = workbook.add_worksheet(name)
    if formatting.is_right_to_left:
        sheet.right_to_left()
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    widest = max(len(points.y) for points in shown)
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, widest, 18)
    row = 0
    for points in shown:
        end = _write_points(sheet, row, points, cells, formatting)
        sheet.insert_chart(row, widest + 2, _chart(workbook, name, row, points, formatting))
        row = max(end, row + _CHART_ROWS) + 1


def _write_points(sheet: Worksheet, row: int, points: ChartPoints, cells: Cells, formatting: Formatting) -> int:
    for at, column in enumerate((points.x, *points.y)):
        cells.text(sheet, (row, at), heading(column), cells.heading_format(column if at else _LABEL))
    for number, (x, sums) in enumerate(points.points.items(), row + 1):
        cells.write(sheet, (number, 0), _LABEL, label_of(points, x, formatting))
        for at, (column, value) in enumerate(zip(points.y, sums, strict=True), 1):
            cells.write(sheet, (number, at), column, value)
    return row + 1 + len(points.points)


def _chart(
    workbook: xlsxwriter.Workbook, sheet: str, row: int, points: ChartPoints, formatting: Formatting
) -> xlsxwriter.chart.Chart:
    kind = "line" if points.chart.kind == "line" else "column"
    chart = workbook.add_chart({"type": kind})
    last = row + len(points.points)
    labels = [label_of(points, x, formatting) for x in points.points]
    for at, (column, colour) in enumerate(zip(points.y, COLOURS, strict=False), 1):
        look = {"line": {"color": colour, "width": 2}} if kind == "line" else {"fill": {"color": colour}}
        chart.add_series(
            {
                "name": _plain(heading(column)),
                "categories": [sheet, row + 1, 0, last, 0],
                "values": [sheet, row + 1, at, last, at],
                # In constant memory the cells cannot be read again, and programs show these until they reckon anew.
                "categories_data": labels,
                "values_data": [float(sums[at - 1]) for sums in points.points.values()],
                **look,
            }
        )
    title = points.chart.title or heading(points.y[0])
    chart.set_title({"name": _plain(title), "name_font": {"size": 14}, "overlay": False})
    chart.set_y_axis(
        {
            "num_format": format_code(points.y[0], formatting.locale),
            "major_gridlines": {"visible": True, "line": {"color": "#E0E0E0"}},
        }
    )
    # Low: under the chart, also where bars stand under zero.
    x_axis = {"name": _plain(heading(points.x)), "reverse": formatting.is_right_to_left, "label_position": "low"}
    chart.set_x_axis(x_axis)
    chart.set_legend({"none": True} if len(points.y) == 1 else {"position": "top"})
    chart.set_size(_SIZE)
    return chart


def _plain(text: str) -> str:
    """XlsxWriter takes a name that begins with = for a formula."""
    return f" {text}" if text.startswith("=") else text
