"""HTML, read by a parser that knows nothing of reports."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.report_sheets import Page, made

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))
MARKUP = ["<script>alert(1)</script>", "</td><td>", "<img src=x onerror=alert(1)>", "&lt;", "{{ 7*7 }}", "{% raw %}"]


@settings(max_examples=60)
@given(texts=st.lists(TEXT | st.sampled_from(MARKUP), min_size=1, max_size=20))
def test_every_text_reads_back_as_it_was(texts: list[str], tmp_path: Path):
    page = Page(made(tmp_path, "html", [{"text": text} for text in texts], {"columns": [{"name": "text"}]}))
    assert page.rows == [["Text"], *([text] for text in texts)]


@pytest.mark.parametrize("text", MARKUP)
def test_nothing_given_becomes_markup(text: str, tmp_path: Path):
    rows = [{text: text, "group": text, "n": 1}]
    charts = [{"title": text, "x": "group", "y": ["n"]}]
    plain = made(tmp_path, "html", [{"a": "a", "group": "a", "n": 1}], {"group_by": ["group"]})
    known = set(Page(plain).elements) | {"figure", "svg", "desc", "line", "text", "path", "rect"}
    columns = [{"name": text}, {"name": "group"}, {"name": "n", "format": "integer"}]
    definition = {"title": text.replace("{", "{{").replace("}", "}}"), "columns": columns, "charts": charts}
    page = Page(made(tmp_path, "html", rows, definition | {"group_by": ["group"], "file_name": "x"}))
    assert set(page.elements) <= known
    assert page.rows[2] == [text, "1"]
    assert not {name for name in page.attributes if name.startswith("on")}


def test_the_page_needs_nothing_but_itself_and_runs_nothing(tmp_path: Path):
    path = made(tmp_path, "html", [{"a": 1}])
    page = Page(path)
    assert "default-src 'none'" in str(page.attributes["content"])
    assert not {"src", "href"} & set(page.attributes)
    assert "url(" not in path.read_text()
    assert "@page { size: A4 portrait" in path.read_text()


def test_rows_groups_and_totals_stand_in_their_order_with_numbers_at_the_right(tmp_path: Path):
    columns = [
        {"name": "land"}, {"name": "town"}, {"name": "amount", "format": "money", "currency": "EUR", "total": "sum"},
    ]  # fmt: skip
    rows = [
        {"land": "AT", "town": "Linz", "amount": "1.005"},
        {"land": "AT", "town": "Graz", "amount": -2},
        {"land": "DE", "town": "Ulm", "amount": 1234},
    ]
    path = made(tmp_path, "html", rows, {"columns": columns, "group_by": ["land"], "locale": "de"})
    page = Page(path)
    assert page.rows == [
        ["Town", "Amount"],
        ["Land: AT"], ["Linz", "1,01\xa0€"], ["Graz", "-2,00\xa0€"], ["Summe AT", "-0,99\xa0€"],
        ["Land: DE"], ["Ulm", "1.234,00\xa0€"], ["Summe DE", "1.234,00\xa0€"],
        ["Summe", "1.233,01\xa0€"],
    ]  # fmt: skip
    assert page.attributes["class"].count("n") == 7
    assert page.attributes["lang"] == ["de"]


def test_charts_stand_above_the_rows_that_they_are_made_of(tmp_path: Path):
    columns = [{"name": "x"}, {"name": "n", "format": "integer"}]
    definition = {"columns": columns, "charts": [{"x": "x", "y": ["n"]}]}
    elements = Page(made(tmp_path, "html", [{"x": "a", "n": 1}], definition)).elements
    assert elements.index("svg") < elements.index("table")


def test_arabic_pages_run_from_right_to_left(tmp_path: Path):
    page = Page(made(tmp_path, "html", [{"name": "شركة"}], {"locale": "ar"}))
    assert page.attributes["dir"][0] == "rtl"
    assert page.attributes["lang"] == ["ar"]


def test_a_report_without_rows_says_so(tmp_path: Path):
    columns = [{"name": "a"}, {"name": "n", "format": "integer", "total": "sum"}]
    assert Page(made(tmp_path, "html", [], {"columns": columns[:1]})).rows == [["A"], ["There are no rows."]]
    assert ["There are no rows."] in Page(made(tmp_path, "html", [], {"columns": columns})).rows


def test_wide_tables_are_printed_across(tmp_path: Path):
    path = made(tmp_path, "html", [{f"c{n}": n for n in range(12)}])
    assert "@page { size: A4 landscape" in path.read_text()
