"""Reports to put on pages, and what independent programs read from the PDF."""

import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

from postroom_report.charts import Picture
from postroom_report.definition import Definition
from postroom_report.layout import Layout, Letterhead
from postroom_report.rendering.pdf.content import GroupHeading, Heading, Item, TableRow, TableTotals
from postroom_report.rendering.pdf.document import Report, make_pdf
from tests.support.missing import missing, program, setup_system

FULL = (
    *(Heading("number", "Number", numeric=True), Heading("customer", "Customer")),
    *(Heading("amount", "Amount", numeric=True), Heading("day", "Day")),
)
_FONTS = {"Noto Color Emoji": "fonts-noto-color-emoji", "Noto Sans CJK SC": "fonts-noto-cjk"}
_DIRECTION_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def make_layout(folder: Path, *, title: str = "Orders", locale: str = "en", **definition: Any) -> Layout:
    return Layout(
        type="orders",
        folder=folder,
        definition=Definition(title=title, **definition),
        format="pdf",
        title=title,
        label=title,
        parameters={"heading": "", "payment": ""},
        made_at=datetime(2026, 11, 24, 2, 0, tzinfo=UTC),
        locale=locale,
        time_zone=ZoneInfo("Europe/Berlin"),
        letterhead=Letterhead("Example Ltd.", ("1 High Street", "London")),
    )


def make_report(
    folder: Path,
    items: Iterable[Item],
    headings: Sequence[Heading] = FULL,
    charts: Sequence[Picture] = (),
    **layout: Any,
) -> Report:
    return Report(
        make_layout(folder, **layout), tuple(headings), "24 November 2026", items, charts=lambda: tuple(charts)
    )


def records(count: int, start: int = 0) -> list[Item]:
    """Rows of four columns, each value different."""
    return [
        TableRow((str(number), f"customer-{number}", f"{number * 7}.50", f"2026-11-{number % 28 + 1:02}"))
        for number in range(start, start + count)
    ]


def grouped(sizes: Iterable[int]) -> list[Item]:
    """A group with heading and totals for each size."""
    items: list[Item] = []
    for number, size in enumerate(sizes):
        totals = TableTotals("Total", ("", "", f"{number}.99", ""))
        items += [GroupHeading(1, f"Group-{number}"), *records(size, len(items)), totals]
    return items


def unheard(_progress: object) -> None:
    """Progress that nobody asked for."""


def pdf_of(report: Report, folder: Path, name: str = "report.pdf") -> Path:
    make_pdf(report, folder / name, unheard)
    return folder / name


def needs_fonts(family: str) -> None:
    """Go on only where there is a font family that some system package brings."""
    listed = subprocess.run([program("fc-list"), family], capture_output=True, text=True, check=True).stdout
    if not listed:
        missing(f"the font {family} is not installed", setup_system(_FONTS.get(family, "fonts-noto-core")))


def text_of(pdf: Path, *options: str) -> str:
    """What pdftotext reads, without marks of direction, which it adds itself."""
    command = [program("pdftotext"), *options, str(pdf), "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    return _DIRECTION_MARKS.sub("", done.stdout.decode())


def pages_of(pdf: Path) -> list[list[str]]:
    """The lines of each page that are not empty, as they stand on it."""
    pages = text_of(pdf, "-layout").split("\f")[:-1]
    return [[line.strip() for line in page.splitlines() if line.strip()] for page in pages]


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its box on the page, in points."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page and the words on it."""

    width: float
    height: float
    words: tuple[Word, ...]


def sheets_of(pdf: Path) -> list[Sheet]:
    """All words with their places."""
    root = ET.fromstring(text_of(pdf, "-bbox"))  # noqa: S314 - from pdftotext, of our own file
    return [
        Sheet(float(page.attrib["width"]), float(page.attrib["height"]), tuple(map(_word, page)))
        for page in root.iter("{http://www.w3.org/1999/xhtml}page")
    ]


def _word(element: ET.Element) -> Word:
    places = (float(element.attrib[side]) for side in ("xMin", "yMin", "xMax", "yMax"))
    return Word(element.text or "", *places)
