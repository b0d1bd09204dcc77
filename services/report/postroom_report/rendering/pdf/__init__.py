"""PDF, by Typst: tables in our own layout, or a report type's own template."""

from collections.abc import Callable, Iterator
from pathlib import Path

from postroom_report.charts import Picture, pictures
from postroom_report.definition import Column
from postroom_report.fonts import choose_fonts
from postroom_report.formatting import Formatting, heading, is_numeric
from postroom_report.labels import labels_for
from postroom_report.rendering.pdf.content import GroupHeading, Heading, Item, TableRow, TableTotals
from postroom_report.rendering.pdf.document import Report, make_pdf, make_pictures
from postroom_report.tabulation import GroupStart, Record, Table

_MADE_AT = Column(name="made_at", format="datetime")


class PdfRenderer:
    """Tables on pages: tagged PDF/A-2a and PDF/UA-1, or PDF/A-2b when they are longer than some 1500 rows."""

    def render(self, table: Table, target: Path, on_pages: Callable[[int], None]) -> int:
        """See Renderer."""
        return make_pdf(_report(table), target, on_pages)


def preview(table: Table, folder: Path) -> list[Path]:
    """The pages as PNG files in `folder`, in their order. Raises as PdfRenderer does."""
    return make_pictures(_report(table), folder)


def _report(table: Table) -> Report:
    formatting = Formatting(table.layout)
    headings = tuple(
        Heading(column.name, heading(column), is_numeric(column), column.width) for column in table.columns
    )
    made_at = formatting.text(_MADE_AT, table.layout.made_at.astimezone(table.layout.time_zone))
    return Report(table.layout, headings, made_at, _items(table, formatting), lambda: _charts(table, formatting))


def _items(table: Table, formatting: Formatting) -> Iterator[Item]:
    total = labels_for(formatting.locale.language)["total"]
    groups: list[str] = []
    for item in table.items():
        if isinstance(item, GroupStart):
            value = formatting.text(item.column, item.value)
            groups[item.level - 1 :] = [value]
            yield GroupHeading(item.level, f"{heading(item.column)}: {value}")
            continue
        cells = tuple(map(formatting.text, table.columns, item.values))
        if isinstance(item, Record):
            yield TableRow(cells, item.source)
        else:
            yield TableTotals(f"{total} {groups[item.level - 1]}" if item.level else total, cells)


def _charts(table: Table, formatting: Formatting) -> list[Picture]:
    families = choose_fonts(table.layout.fonts_folder, table.layout.locale).families
    return pictures(table.charts, formatting, fonts=", ".join(families))
