"""CSV and JSON lines, read by other programs' readers."""

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroom_report.production import produce
from tests.support.report_layouts import layout_for

# As a file is written: a lone surrogate and NUL are no text.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


def made(folder: Path, rows: list[dict[str, Any]], kind: str, definition: dict[str, Any] | None = None) -> Path:
    layout = layout_for(folder, {} if definition is None else definition, format=kind)
    (document,) = produce(layout, rows, folder, lambda _: None)
    return document.path


@settings(max_examples=100)
@given(rows=st.lists(st.fixed_dictionaries({"a": TEXT, "b": TEXT}), min_size=1))
def test_csv_reads_back_as_it_was_but_for_the_guard_against_formulas(rows: list[dict[str, str]], tmp_path: Path):
    path = made(tmp_path, rows, "csv", {"columns": [{"name": "a"}, {"name": "b"}]})
    with path.open(encoding="utf-8-sig", newline="") as file:
        back = list(csv.reader(file))[1:]
    for row, cells in zip(rows, back, strict=True):
        for text, cell in zip((row["a"], row["b"]), cells, strict=True):
            assert cell in (text, f"'{text}")
            assert not cell.lstrip().startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1+1", "|cmd", "%0a=1"]
)
def test_a_text_that_a_spreadsheet_could_run_begins_with_an_apostrophe(text: str, tmp_path: Path):
    path = made(tmp_path, [{text: text, "n": -1}], "csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        heading, cells = list(csv.reader(file))
    assert cells == [f"'{text}", "-1"]
    assert not heading[0].strip().startswith(("=", "+", "-", "@"))


def test_csv_is_as_rfc_4180_says(tmp_path: Path):
    path = made(tmp_path, [{"a": 'x"y', "b": "1\n2", "c": True, "d": Decimal("1E+3")}], "csv")
    assert path.read_bytes() == b'\xef\xbb\xbfA,B,C,D\r\n"x""y","1\n2",true,1000\r\n'


def test_json_lines_have_every_digit_and_their_own_types(tmp_path: Path):
    rows = [
        {"n": 12345678901234567890, "x": Decimal("0.1000000000000000055511151231257827"), "b": None, "t": "ü\u2028"},
        {"n": 1, "x": Decimal("1E-9"), "b": False, "t": "\ud800"},
    ]
    lines = made(tmp_path, rows, "json").read_text(encoding="utf-8").split("\n")
    assert lines[2:] == [""]
    read = [json.loads(line, parse_float=Decimal) for line in lines[:2]]
    assert read[0] == rows[0]
    assert read[1] == {"n": 1, "x": Decimal("0.000000001"), "b": False, "t": "?"}
