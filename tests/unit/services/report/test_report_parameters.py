from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from postroom_report.errors import BrokenReportType, InvalidParameter, UnknownReportType
from postroom_report.parameters import make_layout
from postroom_report.registry import FILE, ReportTypes, shipped_types
from tests.support.report_layouts import layout_for, make_order

ALL = {
    "parameters": {
        "name": {"type": "text"},
        "count": {"type": "integer", "default": 3},
        "price": {"type": "decimal"},
        "day": {"type": "date", "default": "yesterday"},
        "since": {"type": "datetime"},
        "open": {"type": "boolean", "default": False},
        "size": {"type": "text", "choices": ["S", "M"]},
    },
    "title": "Day {day} of {name} {unknown}",
    "file_name": "own-{day}",
}


def test_the_shipped_types_are_found_and_right():
    types = ReportTypes([shipped_types()])
    assert types.names() == ["daily-user-report", "invoice", "job-health", "table"]
    for name in types.names():
        assert types.find(name)[1].title


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ({"parameters": {"day": {"type": "date", "default": "soon"}}}, "parameters.day: default and choices must each"),
        (
            {"parameters": {"n": {"type": "integer", "choices": [1, "x"]}}},
            "parameters.n: default and choices must each",
        ),
        ({"locale": "xx_YY"}, "locale: it must be a locale"),
        ({"time_zone": "Europe/Nowhere"}, "time_zone: it must be a zone"),
        ({"columns": [{"name": "a"}, {"name": "b"}, {"name": "a"}]}, "there are two columns named a"),
    ],
)
def test_what_the_author_of_a_type_got_wrong_is_not_said_of_the_message(
    definition: dict[str, Any], said: str, tmp_path: Path
):
    with pytest.raises(BrokenReportType, match=rf"report\.yaml.*{said}"):
        layout_for(tmp_path, definition)


def test_a_parameter_without_a_value_is_as_one_that_is_not_given(tmp_path: Path):
    layout = layout_for(tmp_path, {"locale": "de"}, parameters={"locale": None, "time_zone": None})
    assert (layout.locale, layout.time_zone.key) == ("de", "UTC")


@pytest.mark.parametrize("name", ["nothing", "../table", "table/", "/etc", "Table", "a\0b", "."])
def test_an_unknown_type_names_those_there_are(name: str, tmp_path: Path):
    with pytest.raises(UnknownReportType, match="there are daily-user-report, invoice, job-health, table"):
        ReportTypes([tmp_path, shipped_types()]).find(name)


def test_a_type_of_ones_own_stands_before_the_shipped_one(tmp_path: Path):
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / FILE).write_text("title: Mine")
    assert ReportTypes([tmp_path, shipped_types()]).find("table")[1].title == "Mine"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title: A\ncolumns:\n  - {name: a}\n  - {name: b, format: colour}", r"line 4, columns\.1\.format: "),
        ("title: A\nretention_days: 0", r"line 2, retention_days: "),
        ("title: A\nwrong: 1", r"line 2, wrong: "),
        ("title: A\nrows: {database: shop}", r"line 2, rows: a database needs a query"),
        ("title: [", r"broken/report\.yaml, line "),
        ("title: A\nparameters: {day: {default: 2026-13-45}}", r"broken/report\.yaml: month must be in 1\.\.12"),
        ("", r"line 1, title: "),
    ],
)
def test_a_broken_definition_is_named_with_line_and_field(text: str, said: str, tmp_path: Path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / FILE).write_text(text)
    types = ReportTypes([tmp_path, shipped_types()])
    with pytest.raises(BrokenReportType, match=said):
        types.find("broken")
    assert types.find("table")


def test_parameters_come_in_their_own_types_and_fill_title_and_label(tmp_path: Path):
    given = {"name": "x{day}", "price": "1.50", "since": "2026-01-01T00:00:00+01:00", "open": "true", "count": "4"}
    layout = layout_for(tmp_path, ALL, parameters=given)
    assert layout.parameters == {
        "name": "x{day}",
        "count": 4,
        "price": pytest.approx(1.5),
        "day": date(2026, 3, 28),
        "since": datetime(2025, 12, 31, 23, tzinfo=UTC),
        "open": True,
        "size": None,
    }
    assert layout.title == "Day March 28, 2026 of x{day} {unknown}"
    assert layout.label == "own-2026-03-28"


@pytest.mark.parametrize(
    ("word", "zone", "day"),
    [
        ("today", "UTC", date(2026, 3, 29)),
        ("yesterday", "UTC", date(2026, 3, 28)),
        ("yesterday", "America/New_York", date(2026, 3, 27)),  # 22:00 there
        ("month-start", "UTC", date(2026, 3, 1)),
        ("last-month-start", "UTC", date(2026, 2, 1)),
        ("2024-02-29", "UTC", date(2024, 2, 29)),
    ],
)
def test_words_for_days_mean_the_moment_the_job_was_meant_for(word: str, zone: str, day: date, tmp_path: Path):
    assert layout_for(tmp_path, ALL, parameters={"day": word, "time_zone": zone}).parameters["day"] == day


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"colour": 1}, r"parameters\.colour: this report type has no such parameter; it has count, day, name"),
        ({"count": 1.5}, r"parameters\.count: it must be a whole number"),
        ({"count": True}, r"parameters\.count"),
        ({"price": "NaN"}, r"parameters\.price: it must be a decimal number"),
        ({"price": "1e400"}, r"parameters\.price"),
        ({"day": "2026-02-30"}, r"parameters\.day: it must be a date such as"),
        ({"day": 20260230}, r"parameters\.day"),
        ({"open": "perhaps"}, r"parameters\.open: it must be true or false"),
        ({"name": "a\0"}, r"parameters\.name"),
        ({"name": ["a"]}, r"parameters\.name"),
        ({"size": "L"}, r"parameters\.size: it must be one of S, M"),
        ({"locale": "xx_YY"}, r"parameters\.locale"),
        ({"locale": 7}, r"parameters\.locale"),
        ({"time_zone": "../../etc/passwd"}, r"parameters\.time_zone"),
        ({"time_zone": "Mars/Olympus"}, r"parameters\.time_zone"),
    ],
)
def test_a_wrong_parameter_is_named(given: dict[str, Any], said: str, tmp_path: Path):
    with pytest.raises(InvalidParameter, match=said):
        layout_for(tmp_path, ALL, parameters=given)


def test_a_required_parameter_must_be_given(tmp_path: Path):
    own = {"parameters": {"month": {"type": "date", "required": True}}}
    with pytest.raises(InvalidParameter, match="month: it must be given"):
        layout_for(tmp_path, own)


def test_a_moment_without_a_zone_is_taken_as_utc(tmp_path: Path):
    order = make_order(tmp_path, {}, moment=datetime(2026, 1, 1, 12))  # noqa: DTZ001
    assert make_layout(order).made_at == datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["1_000", "١٢", "1,5"])
def test_a_number_is_written_with_plain_digits(text: str, tmp_path: Path):
    with pytest.raises(InvalidParameter, match="price"):
        layout_for(tmp_path, ALL, parameters={"name": "x", "since": "2026-11-24T00:00:00Z", "price": text})
