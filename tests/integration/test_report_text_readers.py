"""CSV as other programs read it, the same numbers in each format, and what large reports need of memory."""

import csv
import json
import re
import sys
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.processes import run
from tests.support.report_sheets import Page, converted, made, sheets_of

_MAKE = """
import sys
from datetime import date, timedelta
from pathlib import Path
from postroom_report.production import produce
from tests.support.memory import peak_mib
from tests.support.report_layouts import layout_for

kind, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
formats = ["integer", "text", "text", "money", "number", "percent", "date", "datetime", "boolean", "integer"]
columns = [{"name": f"c{n}", "format": form} for n, form in enumerate(formats)]
columns[3] |= {"currency": "EUR", "total": "sum"}
charts = [{"x": "c1", "y": ["c3"]}]
layout = layout_for(folder, {"columns": columns, "charts": charts}, format=kind)
first = date(2026, 1, 1)
rows = (
    {"c0": n, "c1": f"name {n}", "c2": "some text", "c3": f"{n}.25", "c4": n / 7, "c5": 0.125,
     "c6": first + timedelta(days=n % 999), "c7": "2026-03-29T01:30:00Z", "c8": n % 2 == 0, "c9": n * n}
    for n in range(count)
)
(document,) = produce(layout, rows, folder, lambda _: None)
print(document.rows, peak_mib())
"""


async def make_counted(kind: str, folder: Path, count: int) -> tuple[int, int]:
    """Make a report in a process of its own: the rows in it, and the most memory it had in MiB."""
    made = await run(sys.executable, "-c", _MAKE, kind, folder, str(count), apart=True)
    assert made.code == 0, made.errors
    rows, memory = map(int, made.output.split())
    return rows, memory


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc: run the tests on Linux")
@pytest.mark.parametrize(
    ("kind", "few", "many"), [("csv", 3_000, 20_000), ("html", 2_000, 12_000), ("xlsx", 3_000, 20_000)]
)
async def test_a_large_report_needs_no_more_memory_than_a_small_one(kind: str, few: int, many: int, tmp_path: Path):
    (rows, small), (more_rows, large) = [await make_counted(kind, tmp_path, count) for count in (few, many)]

    assert (rows, more_rows) == (few, many)
    assert large < small * 1.15  # who keeps the rows needs half as much again


def test_libreoffice_runs_none_of_the_texts_in_csv(tmp_path: Path):
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\n=1", " =1", "a,=1+1", '";=1+1;"', "=HYPERLINK(A1)"]
    path = made(tmp_path, "csv", [{"=1+1": text, "n": -1} for text in texts])
    sheet = openpyxl.load_workbook(converted(path, "xlsx")).worksheets[0]
    assert sheet.max_row == len(texts) + 1
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s", "n"}
    assert {row[1].value for row in sheet.iter_rows(min_row=2)} == {-1}


NUMBERS = st.decimals(-(10**9), 10**9, places=4)


@settings(max_examples=25)
@given(amounts=st.lists(st.tuples(NUMBERS, st.sampled_from(["EUR", "JPY", "KWD"]), NUMBERS), min_size=1, max_size=9))
def test_every_format_has_the_same_numbers(amounts: list[tuple[Decimal, str, Decimal]], tmp_path: Path):
    columns = [
        {"name": "x"}, {"name": "amount", "format": "money", "currency_from": "currency"},
        {"name": "part", "format": "percent", "decimals": 1},
    ]  # fmt: skip
    rows = [{"x": "x", "amount": str(amount), "currency": code, "part": part} for amount, code, part in amounts]
    csv_path, json_path, xlsx_path, html_path = (
        made(tmp_path, kind, rows, {"columns": columns}) for kind in ("csv", "json", "xlsx", "html")
    )
    with csv_path.open(encoding="utf-8-sig", newline="") as file:
        numbers = [(Decimal(row[1]), Decimal(row[2])) for row in list(csv.reader(file))[1:]]
    lines = [json.loads(line, parse_float=Decimal, parse_int=Decimal) for line in json_path.read_text().splitlines()]
    assert [(line["amount"], line["part"]) for line in lines] == numbers
    sheet = [(Decimal(str(row[1])), Decimal(str(row[2]))) for row in sheets_of(xlsx_path)["Own"][1:]]
    assert sheet == numbers
    shown = [[re.sub(r"[^\d.-]", "", text) for text in row[1:]] for row in Page(html_path).rows[1:]]
    assert [(Decimal(amount), Decimal(part) / 100) for amount, part in shown] == numbers


def test_pandas_reads_csv_as_it_was(tmp_path: Path):
    import pandas as pd  # slow to load, for one test

    columns = [
        {"name": "name"}, {"name": "n", "format": "integer"}, {"name": "x", "format": "number"},
        {"name": "at", "format": "datetime"},
    ]  # fmt: skip
    rows = [
        {"name": 'Zoë "北京", 🎉\r\nand more', "n": 2**53 + 1, "x": 0.1, "at": "2026-03-29T01:30:00Z"},
        {"name": "-", "n": -5, "x": None, "at": "2026-01-01T00:00:00Z"},
    ]
    path = made(tmp_path, "csv", rows, {"columns": columns, "time_zone": "Europe/Berlin"})
    frame = pd.read_csv(path)
    assert list(frame.columns) == ["Name", "N", "X", "At"]
    assert list(frame["Name"]) == [rows[0]["name"], "'-"]
    assert list(frame["N"]) == [2**53 + 1, -5]
    assert frame["X"][0] == 0.1
    assert frame["X"].isna()[1]
    assert list(frame["At"]) == ["2026-03-29T03:30:00+02:00", "2026-01-01T01:00:00+01:00"]
