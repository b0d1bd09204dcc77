import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom_report.definition import Column
from postroom_report.errors import BrokenReportType, InvalidRows
from postroom_report.formatting import Formatting
from postroom_report.production import produce
from postroom_report.tabulation import GroupStart, Record, Totals, tabulate
from postroom_report.values import Cell, Money, rounded
from tests.support.report_layouts import layout_for

EUR = {"name": "amount", "format": "money", "currency": "EUR", "total": "sum"}


def records(tmp_path: Path, columns: list[dict[str, Any]], rows: list[dict[str, Any]], **more: Any) -> list[Any]:
    return list(tabulate(layout_for(tmp_path, {"columns": columns} | more), rows).items())


@pytest.mark.parametrize(
    ("form", "value", "cell"),
    [
        ("text", "a\0b", "ab"),
        ("text", 5, "5"),
        ("text", {"a": 1}, '{"a":1}'),
        ("integer", "12345678901234567890", 12345678901234567890),
        ("integer", 3.0, 3),
        ("number", 0.1, Decimal("0.1")),
        ("number", "1e-7", Decimal("1E-7")),
        ("percent", 0.12345, Decimal("0.123")),
        ("percent", "0.1235", Decimal("0.124")),
        ("boolean", 1, True),
        ("boolean", "false", False),
        ("date", "2026-03-01", date(2026, 3, 1)),
        ("date", datetime(2026, 3, 1, 23, 30, tzinfo=UTC), date(2026, 3, 2)),
        ("datetime", "2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("datetime", "2026-03-01 12:00:00.5", datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)),
        ("money", "1.005", Money(Decimal("1.01"), None)),
        ("money", -1.005, Money(Decimal("-1.01"), None)),
        ("money", "-0.001", Money(Decimal("0.00"), None)),
        ("integer", "", None),
        ("text", None, None),
    ],
)
def test_values_take_the_type_of_their_column(form: str, value: Any, cell: Cell, tmp_path: Path):
    (record,) = records(tmp_path, [{"name": "x", "format": form}], [{"x": value}], time_zone="Europe/Berlin")
    assert record.values == (cell,)
    assert type(record.values[0]) is type(cell)


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("integer", 1.5), ("integer", True), ("integer", "x"), ("number", float("nan")), ("number", "Infinity"),
        ("number", True), ("number", [1]), ("number", "1e400"), ("number", "1e-999999"), ("integer", 10**99),
        ("integer", "0" * 99), ("integer", Decimal("1e99")), ("money", "12,50"), ("boolean", 2), ("boolean", "yes?"),
        ("date", "01.02.2026"), ("datetime", date(2026, 1, 1)), ("datetime", "soon"), ("text", b"x"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_named_by_row_and_column_and_not_shown(form: str, value: Any, tmp_path: Path):
    with pytest.raises(InvalidRows, match=rf"^row 2, column x: it is not of the format {form}$"):
        records(tmp_path, [{"name": "x", "format": form}], [{"x": None}, {"x": value}])


def test_groups_begin_and_end_with_their_totals(tmp_path: Path):
    rows = [
        {"land": "AT", "town": "Linz", "amount": "1.10"},
        {"land": "AT", "town": "Graz", "amount": "2.20"},
        {"land": "DE", "town": "Graz", "amount": "0.30"},
    ]
    columns = [{"name": "land"}, {"name": "town"}, {"name": "id", "total": "count"}, EUR]
    items = records(tmp_path, columns, rows, group_by=["land", "town"])
    told = [(type(item).__name__, getattr(item, "level", None)) for item in items]
    assert told == [
        ("GroupStart", 1), ("GroupStart", 2), ("Record", None), ("Totals", 2), ("GroupStart", 2), ("Record", None),
        ("Totals", 2), ("Totals", 1), ("GroupStart", 1), ("GroupStart", 2), ("Record", None), ("Totals", 2),
        ("Totals", 1), ("Totals", 0),
    ]  # fmt: skip
    assert items[7] == Totals(1, (0, Money(Decimal("3.30"), "EUR")), 2, "AT")
    assert items[-1] == Totals(0, (0, Money(Decimal("3.60"), "EUR")), 3)
    assert items[4] == GroupStart(2, Column(name="town"), "Graz")


def test_amounts_of_several_currencies_are_never_added_up(tmp_path: Path):
    columns = [{"name": "amount", "format": "money", "currency_from": "currency", "total": "sum"}]
    rows = [
        {"amount": "5", "currency": "JPY"},
        {"amount": "1.005", "currency": "EUR"},
        {"amount": 1, "currency": "EUR"},
    ]
    items = records(tmp_path, columns, rows)
    assert items[-1].values == ((Money(Decimal("2.01"), "EUR"), Money(Decimal(5), "JPY")),)
    with pytest.raises(InvalidRows, match="row 1, column amount"):
        records(tmp_path, columns, [{"amount": 1, "currency": "=cmd"}])


@pytest.mark.parametrize(
    ("total", "value"),
    [
        ("sum", Decimal("6.5")),
        ("count", 3),
        ("average", Decimal("2.166667")),
        ("min", Decimal(1)),
        ("max", Decimal("3.5")),
    ],
)
def test_totals_of_each_kind_leave_out_what_is_missing(total: str, value: Any, tmp_path: Path):
    rows = [{"n": 1}, {"n": 3.5}, {"n": None}, {"n": 2}]
    assert records(tmp_path, [{"name": "n", "format": "number", "total": total}], rows)[-1].values == (value,)


@pytest.mark.parametrize(("total", "euros"), [("min", 2), ("max", 5)])
def test_the_least_and_the_greatest_amount_are_told_of_each_currency(total: str, euros: int, tmp_path: Path):
    columns = [{"name": "amount", "format": "money", "currency_from": "currency", "total": total}]
    rows = [{"amount": 5, "currency": "EUR"}, {"amount": 100, "currency": "JPY"}, {"amount": 2, "currency": "EUR"}]
    assert records(tmp_path, columns, rows)[-1].values == ((Money(Decimal(euros), "EUR"), Money(Decimal(100), "JPY")),)


def test_columns_of_rows_in_a_message_have_a_type_that_fits_the_last_row_too(tmp_path: Path):
    rows = [*({"n": number, "m": number} for number in range(1000)), {"n": 1.5, "m": "x"}]
    table = tabulate(layout_for(tmp_path, {}), rows)
    assert [column.format for column in table.columns] == ["number", "text"]
    assert [item.values for item in table.items() if isinstance(item, Record)][-1] == (Decimal("1.5"), "x")


@pytest.mark.parametrize("name", ["", "n" * 201])
def test_a_name_that_no_column_can_have_is_refused(name: str, tmp_path: Path):
    with pytest.raises(InvalidRows, match="the name of a column must have 1 to 200 characters"):
        tabulate(layout_for(tmp_path, {}), [{name: 1}])


def test_columns_are_found_in_the_rows_when_none_are_named(tmp_path: Path):
    rows = [{"a": 1, "b": "x", "c": None}, {"a": 1.5, "c": True, "d": "later"}, {}]
    table = tabulate(layout_for(tmp_path, {}), rows)
    assert [(column.name, column.format) for column in table.columns] == [
        ("a", "number"), ("b", "text"), ("c", "boolean"), ("d", "text"),
    ]  # fmt: skip
    assert [item.values for item in table.items() if isinstance(item, Record)] == [
        (Decimal(1), "x", None, None),
        (Decimal("1.5"), None, True, "later"),
        (None, None, None, None),
    ]


def test_a_chart_adds_up_by_its_x_column_and_is_never_longer_than_a_year_of_days(tmp_path: Path):
    chart = {"x": "day", "y": ["n"]}
    columns = [{"name": "day", "format": "integer"}, {"name": "n", "format": "integer"}]
    layout = layout_for(tmp_path, {"columns": columns, "charts": [chart]})
    table = tabulate(layout, ({"day": n % 500, "n": 1} for n in range(1000)))
    list(table.items())
    points = table.charts[0].points
    assert len(points) == 367
    assert points[0] == [Decimal(2)]
    assert points[None] == [Decimal(2 * (500 - 366))]
    with pytest.raises(BrokenReportType, match="a chart names year, which is no column"):
        tabulate(layout_for(tmp_path, {"columns": columns, "charts": [{"x": "year", "y": ["n"]}]}), [])


def test_a_chart_adds_up_the_values_that_stand_in_the_table(tmp_path: Path):
    columns = [{"name": "land"}, {"name": "amount", "format": "money", "currency": "EUR", "total": "sum"}]
    layout = layout_for(tmp_path, {"columns": columns, "charts": [{"x": "land", "y": ["amount"]}]})
    table = tabulate(layout, [{"land": "AT", "amount": amount} for amount in ("0.005", "0.005", "")])
    assert list(table.items())[-1] == Totals(0, (None, Money(Decimal("0.02"), "EUR")), 3)
    assert table.charts[0].points == {"AT": [Decimal("0.02")]}


def test_the_hour_that_comes_twice_when_clocks_are_set_back_is_two_hours(tmp_path: Path):
    begin = datetime(2026, 10, 24, 22, tzinfo=UTC)
    rows = [{"hour": begin + timedelta(hours=hour), "n": 1} for hour in range(25)]
    columns = [{"name": "hour", "format": "time"}, {"name": "n", "format": "integer"}]
    definition = {"columns": columns, "charts": [{"x": "hour", "y": ["n"]}], "group_by": ["hour"]}
    table = tabulate(layout_for(tmp_path, definition | {"time_zone": "Europe/Berlin"}), rows)
    starts = [item.value for item in table.items() if isinstance(item, GroupStart)]
    assert [start.isoformat() for start in starts[2:4] if isinstance(start, datetime)] == [
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
    ]
    assert len(starts) == len(table.charts[0].points) == 25


def test_a_chart_does_not_add_up_different_currencies(tmp_path: Path):
    columns = [{"name": "day"}, {"name": "amount", "format": "money", "currency_from": "currency"}]
    layout = layout_for(tmp_path, {"columns": columns, "charts": [{"x": "day", "y": ["amount"]}]})
    with pytest.raises(BrokenReportType, match="a chart adds up amount, which has several currencies"):
        tabulate(layout, [])


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9))
def test_halves_are_rounded_away_from_zero(number: Decimal):
    result = rounded(number, 2)
    assert abs(result - number) <= Decimal("0.005")
    if abs(number * 1000 % 10) == 5 and number == number.quantize(Decimal("0.001")):
        assert abs(result) > abs(number)


@pytest.mark.parametrize(
    ("locale", "column", "value", "text"),
    [
        ("de", {"format": "money", "currency": "EUR"}, Money(Decimal("-1234.5"), "EUR"), "-1.234,50\xa0€"),
        ("en", {"format": "money", "currency": "EUR"}, Money(Decimal(1235), "JPY"), "¥1,235"),
        ("en", {"format": "money", "decimals": 4}, Money(Decimal("0.5"), "USD"), "$0.5000"),
        ("fr", {"format": "number"}, Decimal("1234567.891"), "1\u202f234\u202f567,891"),
        ("en", {"format": "number"}, Decimal("0.00000049"), "0"),
        ("en", {"format": "number", "decimals": 2}, Decimal(3), "3.00"),
        ("de", {"format": "percent"}, Decimal("0.125"), "12,5\xa0%"),
        ("en", {"format": "percent", "decimals": 0}, Decimal("0.13"), "13%"),
        ("en", {"format": "integer"}, 12345678901234567890, "12,345,678,901,234,567,890"),
        ("en", {"format": "integer"}, 10**30, "1" + 10 * ",000"),
        ("en", {"format": "boolean"}, True, "yes"),
        ("en", {"format": "percent", "total": "count"}, 3, "3"),
        ("de", {"format": "date"}, date(2026, 3, 1), "01.03.2026"),
        ("de", {"format": "time"}, datetime(2026, 3, 1, 17, 5, tzinfo=UTC), "17:05"),
        ("en", {"format": "text"}, None, ""),
        ("en", {"format": "money"}, (Money(Decimal(1), "EUR"), Money(Decimal(2), "USD")), "€1.00\n$2.00"),
    ],
)
def test_values_are_written_as_people_of_the_locale_do(locale: str, column: Any, value: Any, text: str, tmp_path: Path):
    formatting = Formatting(layout_for(tmp_path, {"locale": locale}))
    assert formatting.text(Column(name="x", **column), value) == text


def test_one_document_is_made_for_each_value_and_those_made_before_are_left_out(tmp_path: Path):
    layout = layout_for(tmp_path, {"each": "number"}, format="json")
    rows = [{"number": n // 2, "line": n} for n in range(6)]
    documents = list(produce(layout, rows, tmp_path, lambda _: None, skip=frozenset({"1"})))
    assert [(document.part, document.rows) for document in documents] == [("0", 2), ("2", 2)]
    lines = documents[1].path.read_text().splitlines()
    assert [json.loads(line)["line"] for line in lines] == [4, 5]


@pytest.mark.parametrize("rows", [[], [{"number": None}], [{"number": 1}, {"number": 2}, {"number": 1}]])
def test_rows_that_cannot_be_parted_are_refused(rows: list[dict[str, Any]], tmp_path: Path):
    with pytest.raises(InvalidRows, match="number"):
        list(produce(layout_for(tmp_path, {"each": "number"}, format="csv"), rows, tmp_path, lambda _: None))


def test_what_is_rounded_to_nothing_has_no_sign():
    assert str(rounded(Decimal("-0.001"), 2)) == "0.00"
