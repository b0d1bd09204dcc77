"""What other programs read from a report's spreadsheet or page."""

import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl

from postroom_report.production import produce
from tests.support.missing import program
from tests.support.patience import WORK, seconds
from tests.support.report_layouts import layout_for


def made(folder: Path, kind: str, rows: Any, definition: dict[str, Any] | None = None) -> Path:
    """The report of these rows, as a file of that format."""
    layout = layout_for(folder, {} if definition is None else definition, format=kind)
    (document,) = produce(layout, rows, folder, lambda _: None)
    return document.path


def sheets_of(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Each sheet's values, as openpyxl reads them."""
    workbook = openpyxl.load_workbook(path)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in workbook.worksheets}


def converted(path: Path, kind: str) -> Path:
    """What LibreOffice makes of the file."""
    folder = path.parent / "converted"
    profile = f"-env:UserInstallation=file://{path.parent}/profile"
    command = [program("soffice"), profile, "--headless", "--convert-to", kind, "--outdir", str(folder), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=seconds(WORK))
    return folder / f"{path.stem}.{kind.partition(':')[0]}"


class Page(HTMLParser):
    """The rows of a page's table, and the elements and attributes in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.elements: list[str] = []
        self.attributes: dict[str, list[str | None]] = {}
        self._is_in_cell = False
        self.feed(path.read_bytes().decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._is_in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._is_in_cell = False

    def handle_data(self, data: str) -> None:
        if self._is_in_cell:
            self.rows[-1][-1] += data
