"""Renderers: a table becomes a file of one format. One module per format."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from postroom.service import load
from postroom.wire.messages.report import ReportFormat
from postroom_report.tabulation import Table

PagesDone = Callable[[int], None]
"""Called with how many pages are laid out."""


class Renderer(Protocol):
    """Makes files of one format."""

    def render(self, table: Table, target: Path, on_pages: PagesDone) -> int:
        """Write all of `table` to `target` and answer with the number of pages, 0 in formats without.

        Raises InvalidRows, and TemplateFailed for a template that does not work.
        """


_RENDERERS: dict[ReportFormat, str] = {
    "pdf": "postroom_report.rendering.pdf:PdfRenderer",
    "csv": "postroom_report.rendering.csv_file:CsvRenderer",
    "xlsx": "postroom_report.rendering.xlsx:XlsxRenderer",
    "html": "postroom_report.rendering.html:HtmlRenderer",
    "json": "postroom_report.rendering.json_lines:JsonRenderer",
}

CONTENT_TYPES: dict[ReportFormat, str] = {
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html; charset=utf-8",
    "json": "application/jsonl; charset=utf-8",
}


def renderer_for(kind: ReportFormat) -> Renderer:
    """The renderer of a format; only its libraries are loaded."""
    renderer: Renderer = load(_RENDERERS[kind])()
    return renderer


def ending(kind: ReportFormat) -> str:
    """Of a file's name: `.pdf`; JSON lines are `.jsonl`."""
    return ".jsonl" if kind == "json" else f".{kind}"
