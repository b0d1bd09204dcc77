"""XLSX, read by openpyxl and by LibreOffice."""

import csv
import gc
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroom_report.rendering.xlsx import XlsxRenderer
from postroom_report.rendering.xlsx.sheet_names import SheetNames
from postroom_report.tabulation import tabulate
from tests.support.report_layouts import layout_for
from tests.support.report_sheets import converted, made, sheets_of

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "{=1}", "http://example.com", "=HYPERLINK(A1)", "\uff1d1"]
MARKUP = ["<r></is></c><c r='A9'><f>1+1</f></c></r>", "<r><t>x</t></r>", "<f>1</f>", "&amp;", "]]>"]
_at = datetime.fromisoformat  # without a zone, as a spreadsheet has none
COLUMNS = [
    {"name": "name"},
    {"name": "n", "format": "integer", "total": "sum"},
    {"name": "x", "format": "number"},
    {"name": "amount", "format": "money", "currency": "EUR", "total": "sum"},
    {"name": "share", "format": "percent"},
    {"name": "day", "format": "date"},
    {"name": "at", "format": "datetime"},
    {"name": "ok", "format": "boolean"},
]
ROWS = [
    {
        "name": "Zoë 北京 🎉 شركة",
        "n": 7,
        "x": "0.125",
        "amount": "-1234.565",
        "share": 0.5,
        "day": "2026-03-01",
        "at": "2026-03-29T01:30:00Z",
        "ok": True,
    },
    {"name": "=1+1", "n": -3, "x": 1e-5, "amount": 10, "share": 0.125, "day": "2024-02-29", "at": None, "ok": False},
]
VALUES: list[tuple[Any, ...]] = [
    ("Zoë 北京 🎉 شركة", 7, 0.125, -1234.57, 0.5, _at("2026-03-01"), _at("2026-03-29T03:30"), True),
    ("=1+1", -3, 1e-5, 10, 0.125, _at("2024-02-29"), None, False),
    ("Total", 4, None, -1224.57, None, None, None, None),
]


def test_openpyxl_reads_the_same_values_in_their_types(tmp_path: Path):
    path = made(tmp_path, "xlsx", ROWS, {"columns": COLUMNS, "time_zone": "Europe/Berlin"})
    (heading, *rows) = sheets_of(path)["Own"]
    assert heading == ("Name", "N", "X", "Amount", "Share", "Day", "At", "Ok")
    assert rows == VALUES
    assert [[type(value) for value in row] for row in rows[:2]] == [
        [str, int, float, float, float, datetime, datetime, bool],
        [str, int, float, int, float, datetime, type(None), bool],
    ]
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:H3"
    assert sheet["D2"].number_format == "[$€]#,##0.00"
    assert sheet["E2"].number_format == "0.0%"


def test_libreoffice_reads_the_same_values_in_their_types(tmp_path: Path):
    path = made(tmp_path, "xlsx", ROWS, {"columns": COLUMNS, "time_zone": "Europe/Berlin"})
    again = [
        # A truth value is a formula when LibreOffice writes it.
        tuple({"=TRUE()": True, "=FALSE()": False}.get(value, value) for value in row)
        for row in sheets_of(converted(path, "xlsx"))["Own"][1:]
    ]
    assert again == VALUES
    with converted(path, "csv:Text - txt - csv (StarCalc):44,34,76").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert [row[0] for row in rows] == [row[0] for row in VALUES]
    assert [Decimal(row[1]) for row in rows] == [7, -3, 4]
    assert [Decimal(row[3].replace("€", "").replace(",", "")) for row in rows] == [
        Decimal("-1234.57"), 10, Decimal("-1224.57"),
    ]  # fmt: skip
    assert [row[4].replace(".0", "") for row in rows] == ["50%", "12.5%", ""]


@pytest.mark.parametrize("text", FORMULAS + MARKUP)
def test_no_text_becomes_a_formula_a_link_or_markup(text: str, tmp_path: Path):
    rows = [{text: text, "group": text}]
    path = made(tmp_path, "xlsx", rows, {"group_by": ["group"], "title": "a" + text[:20]})
    sheet = openpyxl.load_workbook(path).worksheets[0]
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr"}
    assert not any(cell.hyperlink for cell in cells)
    assert sheet["A3"].value == text
    assert sheet.max_row == 3


def test_libreoffice_runs_none_of_the_texts(tmp_path: Path):
    path = made(tmp_path, "xlsx", [{"text": text} for text in FORMULAS + MARKUP])
    again = openpyxl.load_workbook(converted(path, "xlsx")).worksheets[0]
    assert [row[0].value for row in again.iter_rows(min_row=2)] == FORMULAS + MARKUP
    assert {row[0].data_type for row in again.iter_rows()} == {"s"}


# openpyxl leaves escapes of control characters as they stand in the file.
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))


@settings(max_examples=60)
@given(
    texts=st.lists(TEXT.filter(lambda text: "_x" not in text), min_size=1, max_size=20),
    amount=st.decimals(-(10**12), 10**12, places=2),
    number=st.integers(-(10**24), 10**24),
)
def test_texts_and_numbers_read_back_as_they_were(texts: list[str], amount: Decimal, number: int, tmp_path: Path):
    rows = [{"text": text, "amount": amount, "number": number} for text in texts]
    columns = [
        {"name": "text"}, {"name": "amount", "format": "money", "currency": "EUR"},
        {"name": "number", "format": "integer"},
    ]  # fmt: skip
    back = sheets_of(made(tmp_path, "xlsx", rows, {"columns": columns}))["Own"][1:]
    assert [row[0] or "" for row in back] == texts
    assert {Decimal(str(row[1])) for row in back} == {amount}
    assert {int(row[2]) for row in back} == {number}


def test_numbers_that_a_spreadsheet_would_round_are_text(tmp_path: Path):
    rows = [{"n": 123456789012345}, {"n": 1234567890123456}, {"n": 10**24}]
    path = made(tmp_path, "xlsx", rows, {"columns": [{"name": "n", "format": "integer"}]})
    assert [row[0] for row in sheets_of(path)["Own"][1:]] == [123456789012345, "1234567890123456", str(10**24)]


def test_days_before_a_spreadsheets_time_and_texts_too_long_for_a_cell_are_kept_as_far_as_can_be(tmp_path: Path):
    columns = [{"name": "day", "format": "date"}, {"name": "text"}]
    path = made(tmp_path, "xlsx", [{"day": "1815-06-18", "text": "🎉" * 20_000}], {"columns": columns})
    assert sheets_of(path)["Own"][1] == ("1815-06-18", "🎉" * 16_383 + "…")


def test_groups_have_headings_and_totals_and_each_currency_its_own(tmp_path: Path):
    columns = [
        {"name": "town"}, {"name": "land"},
        {"name": "amount", "format": "money", "currency_from": "currency", "total": "sum"},
    ]  # fmt: skip
    rows = [
        {"land": "AT", "town": "Linz", "amount": 1.5, "currency": "EUR"},
        {"land": "AT", "town": "Graz", "amount": 7, "currency": "JPY"},
        {"land": "DE", "town": "Ulm", "amount": 2, "currency": "EUR"},
    ]
    path = made(tmp_path, "xlsx", rows, {"columns": columns, "group_by": ["land"]})
    assert sheets_of(path)["Own"] == [
        ("Town", "Amount"),
        ("Land: AT", None), ("Linz", 1.5), ("Graz", 7), ("Total AT", 1.5), ("Total AT", 7),
        ("Land: DE", None), ("Ulm", 2), ("Total DE", 2),
        ("Total", 3.5), ("Total", 7),
    ]  # fmt: skip
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    assert [sheet[f"B{row}"].number_format for row in (10, 11)] == ["[$€]#,##0.00", "[$¥]#,##0"]
    assert sheet.auto_filter.ref == "A1:B9"


def test_totals_look_like_what_they_are_and_not_like_the_column_above(tmp_path: Path):
    formats = ["text", "integer", "money", "percent", "date", "datetime"]
    columns = [{"name": form, "format": form, "total": "count"} for form in formats]
    columns.append({"name": "average", "format": "integer", "total": "average"})
    row = {"text": "a", "integer": 1, "money": 1, "percent": 0.1, "date": "2026-03-01", "datetime": "2026-03-01"}
    path = made(tmp_path, "xlsx", [row | {"average": 1}, row | {"average": 2}], {"columns": columns})
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    totals = [(cell.value, cell.number_format) for cell in sheet[4]]
    assert totals == [*[(2, "#,##0")] * len(formats), (1.5, "#,##0.0")]


def test_rows_that_one_sheet_cannot_hold_continue_on_the_next_with_its_own_heading(tmp_path: Path):
    table = tabulate(layout_for(tmp_path, {"title": "Long"}, format="xlsx"), ({"n": n} for n in range(25)))
    XlsxRenderer(most_rows=11).render(table, tmp_path / "long.xlsx", lambda _: None)
    sheets = sheets_of(tmp_path / "long.xlsx")
    assert {name: rows[0] for name, rows in sheets.items()} == {"Long": ("N",), "Long (2)": ("N",), "Long (3)": ("N",)}
    assert [row[0] for rows in sheets.values() for row in rows[1:]] == list(range(25))
    assert all(len(rows) <= 11 for rows in sheets.values())


def test_charts_are_native_and_point_at_their_values(tmp_path: Path):
    columns = [{"name": "day", "format": "date"}, {"name": "n", "format": "integer"}]
    charts = [{"title": "=Growth", "x": "day", "y": ["n"], "kind": kind} for kind in ("bar", "line")]
    rows = [{"day": f"2026-03-{day:02}", "n": day * day} for day in range(1, 32)]
    path = made(tmp_path, "xlsx", rows, {"columns": columns, "charts": charts})
    sheet = openpyxl.load_workbook(path)["Charts"]
    bar, line = sheet._charts  # type: ignore[attr-defined] # openpyxl has no other way to them
    assert (type(bar).__name__, type(line).__name__) == ("BarChart", "LineChart")
    assert bar.series[0].val.numRef.f == "Charts!$B$2:$B$32"
    assert line.series[0].cat.strRef.f == "Charts!$A$35:$A$65"
    assert [sheet[f"B{row}"].value for row in range(2, 33)] == [day * day for day in range(1, 32)]
    assert sheet["A35"].value == "Mar 1, 2026"


def test_the_same_report_gives_the_same_bytes(tmp_path: Path):
    first = made(tmp_path, "xlsx", ROWS, {"columns": COLUMNS}).read_bytes()
    assert made(tmp_path, "xlsx", ROWS, {"columns": COLUMNS}).read_bytes() == first


def test_a_report_without_rows_has_its_heading(tmp_path: Path):
    columns = [{"name": "a"}, {"name": "n", "format": "integer", "total": "sum"}]
    assert sheets_of(made(tmp_path, "xlsx", [], {"columns": columns}))["Own"] == [("A", "N"), ("Total", None)]
    assert sheets_of(made(tmp_path, "xlsx", []))["Own"] in ([], [(None,)])


def test_an_error_leaves_no_file_behind_and_none_open(tmp_path: Path):
    def broken() -> Iterator[dict[str, Any]]:
        yield from ({"n": n} for n in range(1000))
        raise ConnectionError

    with pytest.raises(ConnectionError):
        made(tmp_path, "xlsx", broken(), {"columns": [{"name": "n", "format": "integer"}]})
    gc.collect()
    assert [path.name for path in tmp_path.iterdir()] == ["own"]


def test_a_disk_that_takes_no_file_is_an_error_of_the_system(tmp_path: Path):
    (tmp_path / "taken.xlsx").mkdir()
    with pytest.raises(IsADirectoryError):
        XlsxRenderer().render(tabulate(layout_for(tmp_path, {}), [{"a": 1}]), tmp_path / "taken.xlsx", lambda _: None)


def test_arabic_sheets_run_from_right_to_left(tmp_path: Path):
    rows = [{"name": "شركة", "at": datetime(2026, 3, 1, tzinfo=UTC)}]
    path = made(tmp_path, "xlsx", rows, {"locale": "ar"})
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    assert sheet.sheet_view.rightToLeft
    assert sheet["A2"].value == "شركة"


@pytest.mark.parametrize(
    ("title", "name"),
    [("a/b: [c]*?\\", "a b c"), ("'x'", "x"), ("", "Report"), ("History", "History (2)"), ("🎉" * 20, "🎉" * 15)],
)
def test_sheets_have_names_that_spreadsheets_allow(title: str, name: str):
    assert SheetNames().name(title) == name


def test_two_sheets_never_have_the_same_name():
    names = SheetNames()
    assert [names.name("X" * 40), names.name("x" * 40)] == ["X" * 31, "x" * 27 + " (2)"]
