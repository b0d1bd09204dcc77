import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom_report.charts import Picture, pictures, text_width
from postroom_report.definition import Column
from postroom_report.formatting import Formatting
from postroom_report.scales import scale_of, tick_texts
from postroom_report.tabulation import tabulate
from tests.support.report_layouts import layout_for

SVG = "{http://www.w3.org/2000/svg}"
NUMBER = {"name": "n", "format": "integer"}


def drawn(folder: Path, columns: list[dict[str, Any]], rows: list[dict[str, Any]], **more: Any) -> list[Picture]:
    chart = {"x": columns[0]["name"], "y": [column["name"] for column in columns[1:]]} | more.pop("chart", {})
    layout = layout_for(folder, {"columns": columns, "charts": [chart]} | more)
    table = tabulate(layout, rows)
    list(table.items())
    return pictures(table.charts, Formatting(layout))


def texts_of(picture: Picture) -> list[ET.Element]:
    return list(ET.fromstring(picture.svg).iter(f"{SVG}text"))  # noqa: S314 - ours


def hours(count: int) -> list[dict[str, Any]]:
    first = datetime(2026, 3, 1, tzinfo=UTC)
    return [{"x": first + timedelta(hours=hour), "n": hour} for hour in range(count)]


def days(count: int) -> list[dict[str, Any]]:
    return [{"x": date(2026, 1, 1) + timedelta(days=day), "n": day} for day in range(count)]


def words(count: int) -> list[dict[str, Any]]:
    return [{"x": f"a rather long name of number {number}", "n": number} for number in range(count)]


@pytest.mark.parametrize("locale", ["en", "de", "ar", "zh"])
@pytest.mark.parametrize(
    ("form", "rows"), [("time", hours(24)), ("date", days(31)), ("date", days(366)), ("integer", hours(1))]
)
def test_labels_do_not_overlap_nor_leave_the_picture(
    form: str, rows: list[dict[str, Any]], locale: str, tmp_path: Path
):
    if form == "integer":
        rows = [{"x": 10**number, "n": 1} for number in range(12)]
    (picture,) = drawn(tmp_path, [{"name": "x", "format": form}, NUMBER], rows, locale=locale)
    below = [text for text in texts_of(picture) if text.get("text-anchor") == "middle"]
    spans = sorted((float(text.attrib["x"]), text_width(text.text or "")) for text in below)
    assert len(spans) >= 4
    for (middle, width), (next_middle, next_width) in pairwise(spans):
        assert middle + width / 2 < next_middle - next_width / 2
    assert spans[0][0] - spans[0][1] / 2 >= 0
    assert spans[-1][0] + spans[-1][1] / 2 <= 720


def test_long_names_stand_aslant_and_are_cut(tmp_path: Path):
    (picture,) = drawn(tmp_path, [{"name": "x"}, NUMBER], words(31))
    aslant = [text for text in texts_of(picture) if "rotate" in text.get("transform", "")]
    assert len(aslant) == 31
    assert all((text.text or "").endswith("…") for text in aslant)
    leftmost = min(float(text.attrib["x"]) - 0.8 * text_width(text.text or "") for text in aslant)
    assert leftmost >= 0


def test_bars_stand_on_zero_and_are_as_high_as_their_values(tmp_path: Path):
    rows = [{"x": "a", "n": 50, "m": -10}, {"x": "b", "n": 100, "m": 0}]
    (picture,) = drawn(tmp_path, [{"name": "x"}, NUMBER, {"name": "m", "format": "integer"}], rows)
    paths = [path.attrib["d"] for path in ET.fromstring(picture.svg).iter(f"{SVG}path")]  # noqa: S314 - ours
    n, m = ([float(end) - float(start) for start, end in re.findall(r"M[\d.]+ ([\d.]+)V([\d.]+)", d)] for d in paths)
    assert n[1] == pytest.approx(2 * n[0], abs=0.02)
    assert m == [pytest.approx(-n[0] / 5, abs=0.02)]


def test_a_line_has_a_place_for_each_value(tmp_path: Path):
    (picture,) = drawn(tmp_path, [{"name": "x", "format": "date"}, NUMBER], days(31), chart={"kind": "line"})
    (line,) = ET.fromstring(picture.svg).iter(f"{SVG}polyline")  # noqa: S314 - ours
    assert len(line.attrib["points"].split()) == 31


def test_it_says_what_it_shows_and_nothing_in_it_is_markup(tmp_path: Path):
    rows = [{"x": "<script>&\x01", "n": 1}, {"x": "]]>", "n": 2}]
    (picture,) = drawn(tmp_path, [{"name": "x"}, NUMBER], rows, chart={"title": "<b>Growth</b>"})
    root = ET.fromstring(picture.svg)  # noqa: S314 - ours
    assert root.findtext(f"{SVG}title") == "<b>Growth</b>"
    assert root.findtext(f"{SVG}desc") == picture.alt.replace("\x01", "\ufffd")
    assert picture.alt.startswith("<b>Growth</b>: N; X: <script>&")
    assert "<script>&\ufffd" in [text.text for text in texts_of(picture)]


def test_several_series_have_a_legend_and_one_with_a_title_needs_none(tmp_path: Path):
    columns = [{"name": "x"}, *({"name": f"series_{n}", "format": "integer"} for n in range(6))]
    rows = [{"x": "a"} | {f"series_{n}": n for n in range(6)}]
    (picture,) = drawn(tmp_path, columns, rows, chart={"title": "All"})
    shown = [text.text for text in texts_of(picture)]
    assert [f"Series {n}" for n in range(6)] == [text for text in shown if (text or "").startswith("Series")]
    (one,) = drawn(tmp_path, columns, rows, chart={"title": "All", "y": ["series_1"]})
    assert "Series 1" not in [text.text for text in texts_of(one)]


def test_a_report_without_rows_has_no_chart(tmp_path: Path):
    assert drawn(tmp_path, [{"name": "x"}, NUMBER], []) == []


def test_what_is_more_than_a_chart_has_room_for_is_named_others(tmp_path: Path):
    rows = [{"x": number, "n": 1} for number in range(400)]
    (picture,) = drawn(tmp_path, [{"name": "x", "format": "integer"}, NUMBER], rows, locale="de")
    assert picture.alt.endswith("Übrige")


@given(st.lists(st.decimals(-(10**15), 10**15, places=4), min_size=1, max_size=20), st.booleans())
def test_a_scale_reaches_over_all_values_in_a_few_even_steps(values: list[Decimal], whole: bool):
    scale = scale_of(values, whole=whole)
    assert 0 in scale.ticks
    assert scale.ticks[0] <= min(values)
    assert scale.ticks[-1] >= max(values)
    assert 2 <= len(scale.ticks) <= 8
    assert len({after - before for before, after in pairwise(scale.ticks)}) == 1
    assert not whole or all(tick == int(tick) for tick in scale.ticks)
    assert 0 <= scale.part(values[0]) <= 1


@pytest.mark.parametrize(
    ("form", "highest", "locale", "ticks"),
    [
        ("integer", "1", "en", ["0", "1"]),
        ("integer", "23", "en", ["0", "5", "10", "15", "20", "25"]),
        ("number", "0.01", "de", ["0,000", "0,002", "0,004", "0,006", "0,008", "0,010"]),
        ("percent", "1", "en", ["0%", "20%", "40%", "60%", "80%", "100%"]),
        ("money", "4000", "de", ["0", "1.000", "2.000", "3.000", "4.000"]),
        ("integer", "10000000", "en", ["0", "2M", "4M", "6M", "8M", "10M"]),
    ],
)
def test_ticks_are_written_as_people_of_the_locale_do(
    form: Any, highest: str, locale: str, ticks: list[str], tmp_path: Path
):
    formatting = Formatting(layout_for(tmp_path, {"locale": locale}))
    scale = scale_of([Decimal(highest)], whole=form == "integer")
    assert tick_texts(scale, Column(name="n", format=form), formatting) == ticks
