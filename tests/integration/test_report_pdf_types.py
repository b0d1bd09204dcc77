"""Whole reports as PDF: from rows and a definition to pages, and the invoice that comes with Postroom."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pikepdf

from postroom_report.definition import Definition
from postroom_report.layout import Layout, Letterhead, RenderProgress, Row
from postroom_report.production import produce
from postroom_report.registry import ReportTypes, shipped_types
from postroom_report.rendering.pdf import preview
from postroom_report.tabulation import tabulate
from tests.support.report_pdf import pages_of, unheard

ORDERS = [
    {"region": "North", "order": 1, "amount": "1234.50", "currency": "EUR", "share": "0.125", "day": "2026-11-02"},
    {"region": "North", "order": 2, "amount": "-0.5", "currency": "EUR", "share": "1", "day": "2026-11-03"},
    {"region": "South", "order": 3, "amount": "99", "currency": "USD", "share": None, "day": "2026-11-04"},
]
COLUMNS = [
    {"name": "region"},
    {"name": "order", "format": "integer", "title": "Order"},
    {"name": "amount", "format": "money", "currency_from": "currency", "total": "sum"},
    {"name": "share", "format": "percent"},
    {"name": "day", "format": "date"},
]
LINE: Row = {
    "invoice_number": "2026-0042",
    "invoice_date": "2026-11-24",
    "due_date": "2026-12-08",
    "currency": "EUR",
    "seller_name": "Beispiel & Söhne GmbH",
    "seller_address": "Musterstraße 1\n12345 Berlin",
    "seller_tax_id": "DE123456789",
    "buyer_name": "Customer #1 *Ltd.*",
    "buyer_address": "1 High Street\nLondon",
    "description": "Consulting",
    "quantity": "1.5",
    "unit": "h",
    "unit_price": "95",
    "tax_rate": "0.19",
    "note": "Payable within 14 days.",
}


def layout_of(definition: Definition, folder: Path, locale: str, **parameters: Any) -> Layout:
    return Layout(
        type="orders",
        folder=folder,
        definition=definition,
        format="pdf",
        title=definition.title,
        label="orders",
        parameters=parameters,
        made_at=datetime(2026, 11, 24, 2, 0, tzinfo=UTC),
        locale=locale,
        time_zone=ZoneInfo("Europe/Berlin"),
        letterhead=Letterhead("Example Ltd."),
    )


def orders(tmp_path: Path, **changes: Any) -> Layout:
    definition = Definition.model_validate({"title": "Orders", "columns": COLUMNS, "group_by": ["region"]} | changes)
    return layout_of(definition, tmp_path, "en")


def invoices(tmp_path: Path, rows: Sequence[Row], locale: str = "en", **parameters: str) -> list[list[str]]:
    folder, definition = ReportTypes([shipped_types()]).find("invoice")
    layout = layout_of(definition, folder, locale, **({"heading": "", "payment": ""} | parameters))
    return [
        [" ".join(line.split()) for page in pages_of(made.path) for line in page]
        for made in produce(layout, rows, tmp_path, unheard)
    ]


def test_a_grouped_table_has_values_as_people_write_them_and_its_totals(tmp_path: Path) -> None:
    [made] = produce(orders(tmp_path), ORDERS, tmp_path, unheard)
    [page] = pages_of(made.path)
    assert [" ".join(line.split()) for line in page] == [
        "Example Ltd.",
        "Orders",
        "Order Amount Share Day",
        "Region: North",
        "1 €1,234.50 12.5% Nov 2, 2026",
        "2 -€0.50 100.0% Nov 3, 2026",
        "Total North €1,234.00",
        "Region: South",
        "3 $99.00 Nov 4, 2026",
        "Total South $99.00",
        *page_end(page),
    ]
    assert made.rows == 3
    assert made.pages == 1


def page_end(page: list[str]) -> list[str]:
    lines = [" ".join(line.split()) for line in page[10:]]
    assert "€1,234.00" in " ".join(lines)
    assert "$99.00" in " ".join(lines)
    assert lines[-1] == "Orders · 11/24/26, 3:00\u202fAM Page 1 of 1".replace("\u202f", " ")
    return lines


def test_progress_names_the_pages(tmp_path: Path) -> None:
    told: list[RenderProgress] = []
    [made] = produce(orders(tmp_path), [{**ORDERS[0], "order": n} for n in range(100)], tmp_path, told.append)
    assert made.pages == told[-1].pages
    assert made.pages > 1  # how many more depends on the fonts at hand


def test_charts_stand_over_the_table_in_words_that_can_be_read(tmp_path: Path) -> None:
    charts = [{"title": "Amounts by day", "x": "day", "y": ["order"]}, {"kind": "line", "x": "order", "y": ["share"]}]
    layout = orders(tmp_path, charts=charts, group_by=[])
    [made] = produce(layout, ORDERS, tmp_path, unheard)
    text = " ".join(line for page in pages_of(made.path) for line in page)
    assert text.index("Amounts by day") < text.index("Nov 2, 2026") < text.index("Region")
    with pikepdf.open(made.path) as pdf, pdf.open_metadata() as metadata:
        assert metadata.pdfa_status == "2A"


def test_a_preview_shows_the_same(tmp_path: Path) -> None:
    assert [path.name for path in preview(tabulate(orders(tmp_path), ORDERS), tmp_path)] == ["page-1.png"]


def test_an_invoice_has_parties_lines_taxes_and_totals(tmp_path: Path) -> None:
    rows = [
        LINE,
        {**LINE, "description": "A book", "quantity": 3, "unit": "", "unit_price": "9.99", "tax_rate": "0.07"},
    ]
    [lines] = invoices(tmp_path, rows, payment="IBAN DE00 1234")
    text = "\n".join(lines)
    for part in (LINE["seller_name"], "12345 Berlin", "DE123456789", LINE["buyer_name"], "London", "Invoice 2026-0042"):
        assert part in text
    assert "1 Consulting 1.5 h 95.00 19% €142.50" in lines
    assert "2 A book 3 9.99 7% €29.97" in lines
    assert "Net total €172.47" in lines
    assert "Tax 19% on €142.50 €27.08" in lines
    assert "Tax 7% on €29.97 €2.10" in lines
    assert "Total due €201.65" in lines
    assert Decimal("172.47") + Decimal("27.08") + Decimal("2.10") == Decimal("201.65")
    assert "Payable within 14 days." in lines
    assert "IBAN DE00 1234" in lines
    assert lines[-1].endswith("Page 1 of 1")


def test_a_price_has_the_digits_of_money_or_more(tmp_path: Path) -> None:
    prices = ("12.5", "1234", "0.0125")
    [lines] = invoices(tmp_path, [{**LINE, "unit_price": price} for price in prices])
    shown = [line.split()[4] for line in lines if "Consulting" in line]
    assert shown == ["12.50", "1,234.00", "0.0125"]
    [yen] = invoices(tmp_path, [{**LINE, "unit_price": "1234", "currency": "JPY"}])
    assert "1 Consulting 1.5 h 1,234 19% ¥1,851" in yen


def test_an_invoice_speaks_german_to_germans(tmp_path: Path) -> None:
    [lines] = invoices(tmp_path, [{**LINE, "tax_rate": "0.0725"}], locale="de")
    text = "\n".join(lines)
    assert "Rechnung 2026-0042" in text
    assert "24.11.2026" in text
    assert "MwSt. 7,25 % auf 142,50 € 10,33 €" in lines
    assert "Gesamtbetrag 152,83 €" in lines
    assert lines[-1].endswith("Seite 1 von 1")


def test_each_invoice_is_a_document_of_its_own_with_its_number_as_title(tmp_path: Path) -> None:
    rows = [{**LINE, "invoice_number": number} for number in ("A-1", "A-2", "A-2", "A-3")]
    folder, definition = ReportTypes([shipped_types()]).find("invoice")
    layout = layout_of(definition, folder, "en", heading="Credit note", payment="")
    made = list(produce(layout, rows, tmp_path, unheard))
    assert [document.part for document in made] == ["A-1", "A-2", "A-3"]
    for document in made:
        with pikepdf.open(document.path) as pdf, pdf.open_metadata() as metadata:
            assert str(pdf.docinfo["/Title"]) == f"Credit note {document.part}"
            assert metadata.pdfa_status == "2A"


def test_a_long_invoice_repeats_its_heading_and_keeps_its_totals_together(tmp_path: Path) -> None:
    folder, definition = ReportTypes([shipped_types()]).find("invoice")
    layout = layout_of(definition, folder, "en", heading="", payment="")
    for count in range(24, 34):
        [made] = produce(layout, [LINE] * count, tmp_path, unheard)
        pages = pages_of(made.path)
        assert sum("Consulting" in line for page in pages for line in page) == count
        for number, page in enumerate(pages, start=1):
            assert page[-1].endswith(f"Page {number} of {len(pages)}")
            if any("Consulting" in line for line in page):
                assert any(line.split()[:2] == ["Item", "Description"] for line in page)
        [with_totals] = [page for page in pages if any("Net total" in line for line in page)]
        assert any("Total due" in line for line in with_totals)
