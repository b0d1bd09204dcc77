"""Documents with the same content by different means, one in a process: `python -m bench.makers MAKER FORMAT ROWS`.

Prints, as JSON, seconds (without the loading of libraries), peak memory of the process in MiB, bytes and pages; or what
is missing.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

NAMES = ("number", "day", "at", "customer", "city", "product", "quantity", "price", "share", "is_paid")
PRINTED = ("number", "day", "customer", "product", "quantity", "price")
"""A page has no room for all of them."""
TITLE = "Orders of the year"

_CUSTOMERS = (
    "Ada Lovelace",
    "Grace Hopper",
    "Gülşen Öztürk",
    "Jürgen Groß",
    "Łukasz Żak",
    "Anaïs Nuñez",
    "Ōe Kenzaburō",
)
_CITIES = ("Berlin", "İstanbul", "São Paulo", "Kraków", "Zürich")
_PRODUCTS = ("Notebook, squared", "Fountain pen", "Envelope C5, 100 pieces", "Stamp", "Sealing wax, red")
_START = datetime(2026, 1, 1, tzinfo=UTC)

Make = Callable[[str, int, Path], int]
"""Makes (format, rows, target) and tells the number of pages; 0 where there are none."""


def rows(count: int) -> Iterator[tuple[Any, ...]]:
    """The same for all makers, in the order of NAMES."""
    for n in range(count):
        at = _START + timedelta(seconds=29 * n)
        price, share = Decimal(n * 37 % 1_000_000) / 100, Decimal(n % 1000) / 1000
        customer, city, product = _CUSTOMERS[n % 7], _CITIES[n % 5], _PRODUCTS[n % 5]
        yield n + 1, at.date(), at, customer, city, product, n % 12 + 1, price, share, n % 3 == 0


def printed(count: int) -> Iterator[tuple[str, ...]]:
    """The cells of a page for makers that do not format values."""
    for number, day, _at, customer, _city, product, quantity, price, *_rest in rows(count):
        yield f"{number:,}", f"{day:%d/%m/%Y}", customer, product, str(quantity), f"€{price:,.2f}"


def total(count: int) -> str:
    """What stands under the column `price`."""
    return f"€{sum(row[7] for row in rows(count)):,.2f}"


def load_postroom(kind: Any) -> Make:
    """The way every report of ours is made, from rows to the file."""
    from postroom_report.definition import Column, Definition  # noqa: PLC0415 - loaded in its own process only
    from postroom_report.layout import Layout  # noqa: PLC0415
    from postroom_report.production import produce  # noqa: PLC0415
    from postroom_report.rendering import renderer_for  # noqa: PLC0415

    renderer_for(kind)  # loads its libraries
    formats: dict[str, dict[str, Any]] = {
        "number": {"format": "integer"},
        "day": {"format": "date"},
        "at": {"format": "datetime"},
        "quantity": {"format": "integer"},
        "price": {"format": "money", "currency": "EUR", "total": "sum"},
        "share": {"format": "percent"},
        "is_paid": {"format": "boolean"},
    }

    def make(_kind: str, count: int, target: Path) -> int:
        shown = PRINTED if kind == "pdf" else NAMES
        columns = [Column(name=name, **formats.get(name, {})) for name in shown]
        layout = Layout(
            type="bench",
            folder=target.parent,
            definition=Definition(title=TITLE, columns=columns, orientation="portrait"),
            format=kind,
            title=TITLE,
            label="bench",
            parameters={},
            made_at=_START,
            locale="en_GB",
            time_zone=ZoneInfo("UTC"),
        )
        folder = target.parent / "made"
        folder.mkdir()
        given = (dict(zip(NAMES, row, strict=True)) for row in rows(count))
        [document] = produce(layout, given, folder, lambda _progress: None)
        document.path.rename(target)
        return int(document.pages)

    return make


def load_weasyprint(_kind: Any) -> Make:
    """HTML with print CSS."""
    import weasyprint  # type: ignore[import-untyped] # noqa: PLC0415

    style = (
        "@page { size: A4; margin: 2cm 1.5cm; @bottom-right { content: 'Page ' counter(page) ' of ' counter(pages) } }"
        "body { font: 9pt sans-serif } table { width: 100%; border-collapse: collapse }"
        "thead { display: table-header-group }"
        "td, th { padding: 1.4pt 3pt; border-bottom: 0.5pt solid #ccc; text-align: left } tr { break-inside: avoid }"
        "td:nth-child(1), td:nth-child(5), td:nth-child(6) { text-align: right }"
    )

    def make(_kind: str, count: int, target: Path) -> int:
        body = "".join(f"<tr><td>{'</td><td>'.join(map(escape, row))}</td></tr>" for row in printed(count))
        head = "".join(f"<th>{name}</th>" for name in PRINTED)
        foot = f"<tr><td colspan=5>Total</td><td>{total(count)}</td></tr>"
        html = f"<style>{style}</style><h1>{TITLE}</h1><table><thead><tr>{head}</tr></thead>{body}{foot}</table>"
        document = weasyprint.HTML(string=html).render()
        document.write_pdf(target)
        return len(document.pages)

    return make


def load_reportlab(_kind: Any) -> Make:
    """Platypus with a table that repeats its header; page x of y takes a second look at each page."""
    from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped] # noqa: PLC0415
    from reportlab.lib.styles import getSampleStyleSheet  # type: ignore[import-untyped] # noqa: PLC0415
    from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped] # noqa: PLC0415
    from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate  # type: ignore[import-untyped] # noqa: PLC0415

    class NumberedCanvas(Canvas):  # type: ignore[misc]
        """Writes the pages once it knows how many there are."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.states: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 - reportlab's name
            self.states.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, state in enumerate(self.states, start=1):
                self.__dict__.update(state)
                self.drawRightString(555, 25, f"Page {number} of {len(self.states)}")
                Canvas.showPage(self)
            Canvas.save(self)

    def make(_kind: str, count: int, target: Path) -> int:
        lines = [PRINTED, *printed(count), ("Total", "", "", "", "", total(count))]
        style = [
            ("FONTSIZE", (0, 0), (-1, -1), 9),
            ("LINEBELOW", (0, 0), (-1, -1), 0.5, "#cccccc"),
            ("TOPPADDING", (0, 0), (-1, -1), 1.7),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1.7),
            ("ALIGN", (4, 0), (5, -1), "RIGHT"),
        ]
        table = LongTable(lines, repeatRows=1, style=style, colWidths=(50, 70, 120, 150, 60, 80))
        document = SimpleDocTemplate(str(target), pagesize=A4, title=TITLE)
        document.build([Paragraph(TITLE, getSampleStyleSheet()["Title"]), table], canvasmaker=NumberedCanvas)
        return int(document.page)

    return make


def load_openpyxl(_kind: Any) -> Make:
    """A workbook in write-only mode."""
    from openpyxl import Workbook  # noqa: PLC0415

    def make(_kind: str, count: int, target: Path) -> int:
        book = Workbook(write_only=True)
        sheet = book.create_sheet(TITLE)
        sheet.append(NAMES)
        for row in rows(count):
            sheet.append((*row[:2], row[2].replace(tzinfo=None), *row[3:]))
        book.save(target)
        return 0

    return make


def load_pandas(_kind: Any) -> Make:
    """A DataFrame of all rows; its XLSX by xlsxwriter, as pandas chooses where that is installed."""
    import pandas as pd  # type: ignore[import-untyped] # noqa: PLC0415
    import xlsxwriter  # type: ignore[import-untyped] # noqa: F401, PLC0415

    def make(kind: str, count: int, target: Path) -> int:
        frame = pd.DataFrame.from_records(list(rows(count)), columns=NAMES)
        frame["at"] = frame["at"].dt.tz_localize(None)
        if kind == "xlsx":
            frame.to_excel(target, index=False, engine="xlsxwriter")
        else:
            frame.to_csv(target, index=False)
        return 0

    return make


MAKERS = {
    "postroom": load_postroom,
    "weasyprint": load_weasyprint,
    "reportlab": load_reportlab,
    "openpyxl": load_openpyxl,
    "pandas": load_pandas,
}


def peak_mebibytes() -> float:
    """The most memory this process had. Not `ru_maxrss`, which on Linux begins with the parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main(maker: str, kind: str, count: int) -> dict[str, Any]:
    """Make one document and say what it took."""
    try:
        make = MAKERS[maker](kind)
    except (ImportError, OSError) as error:  # OSError: a library of the system, WeasyPrint's Pango
        return {"missing": str(error).splitlines()[0]}
    with tempfile.TemporaryDirectory(prefix="postroom-bench-") as folder:
        target = Path(folder) / f"bench.{kind}"
        began = time.perf_counter()
        pages = make(kind, count, target)
        seconds = time.perf_counter() - began
        return {"seconds": seconds, "peak": peak_mebibytes(), "bytes": target.stat().st_size, "pages": pages}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
