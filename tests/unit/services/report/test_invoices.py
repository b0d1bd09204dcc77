"""Invoices add up: checked against fractions, which round nothing."""

from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from math import floor
from random import Random
from typing import Any

import pytest
from babel.numbers import get_currency_precision
from hypothesis import given, settings
from hypothesis import strategies as st

from postroom_report.errors import InvalidRows
from postroom_report.invoices import calculate_invoices
from postroom_report.layout import Row

INVOICES = 10_000
IN_ONE_EXAMPLE = 40

RATES = ["0", "0.07", "0.19", "0.055", "0.081", "0.2", "0.0725"]


def amount_of(chance: Random) -> Decimal:
    """From a hundredth of a cent up to a thousand million: short ones are often half a cent when multiplied."""
    return Decimal(chance.randint(-(10**9), 10**9) // 10 ** chance.randint(0, 8)).scaleb(-chance.randint(0, 4))


def invoice_of(chance: Random) -> tuple[str, list[dict[str, Any]]]:
    lines = [
        {"quantity": amount_of(chance), "unit_price": amount_of(chance), "tax_rate": chance.choice(RATES)}
        for _ in range(chance.randint(1, 5))
    ]
    return chance.choice(["EUR", "JPY", "KWD", "CHF"]), lines


def rows_of(batch: list[tuple[str, list[dict[str, Any]]]]) -> list[Row]:
    return [
        {"invoice_number": f"{number:05}", "currency": currency, "description": "x", **line}
        for number, (currency, invoice) in enumerate(batch)
        for line in invoice
    ]


def line(**changes: Any) -> dict[str, Any]:
    return {"invoice_number": "1", "currency": "EUR", "quantity": "1", "unit_price": "10", "tax_rate": "0.19"} | changes


def half_away_from_zero(exact: Fraction, decimals: int) -> Fraction:
    scaled = abs(exact) * 10**decimals
    cents = floor(scaled + Fraction(1, 2))
    return Fraction(cents if exact >= 0 else -cents, 10**decimals)


def amounts_of(rows: list[Row], kind: str) -> list[Decimal]:
    return [row["amount"] for row in rows if row["kind"] == kind]


@settings(max_examples=INVOICES // IN_ONE_EXAMPLE)
@given(st.randoms(use_true_random=True))  # whose seed is told: to compose each number takes ten times as long
def test_totals_of_10_000_invoices_equal_the_sums_of_their_rounded_lines(chance: Random) -> None:
    batch = [invoice_of(chance) for _ in range(IN_ONE_EXAMPLE)]
    given_rows = groupby(rows_of(batch), key=lambda row: row["invoice_number"])
    calculated = groupby(calculate_invoices(rows_of(batch)), key=lambda row: row["invoice_number"])

    for (number, before), (calculated_number, after) in zip(given_rows, calculated, strict=True):
        assert number == calculated_number
        check_invoice(list(before), list(after))


def check_invoice(before: list[Row], after: list[Row]) -> None:
    decimals = get_currency_precision(before[0]["currency"])
    bases: dict[Fraction, Fraction] = {}
    for row, amount in zip(before, amounts_of(after, "line"), strict=True):
        exact = Fraction(row["quantity"]) * Fraction(row["unit_price"])
        assert Fraction(amount) == half_away_from_zero(exact, decimals)
        bases[Fraction(row["tax_rate"])] = bases.get(Fraction(row["tax_rate"]), Fraction(0)) + Fraction(amount)
    taxes = [half_away_from_zero(bases[rate] * rate, decimals) for rate in sorted(bases, reverse=True)]

    [net], [gross] = amounts_of(after, "net"), amounts_of(after, "gross")
    assert net == sum(amounts_of(after, "line"))
    assert [Fraction(tax) for tax in amounts_of(after, "tax")] == taxes
    assert gross == net + sum(amounts_of(after, "tax"))
    assert [row["base"] for row in after if row["kind"] == "tax"] == [
        Decimal(bases[rate].numerator) / bases[rate].denominator for rate in sorted(bases, reverse=True)
    ]


def test_each_amount_has_the_decimals_of_its_currency() -> None:
    for currency, amount in (("EUR", "0.13"), ("JPY", "0"), ("KWD", "0.125")):
        rows = list(calculate_invoices([line(currency=currency, unit_price="0.125", tax_rate="0")]))
        assert [str(row["amount"]) for row in rows] == [amount] * 2 + [str(rows[2]["amount"]), amount]


def test_a_fraction_that_came_as_json_counts_as_it_was_written() -> None:
    rows = list(calculate_invoices([line(quantity=3, unit_price=0.335)]))
    assert str(rows[0]["amount"]) == "1.01"


def test_tax_is_rounded_once_for_each_rate() -> None:
    rows = list(calculate_invoices([line(unit_price="0.13"), line(unit_price="0.13"), line(unit_price="0.13")]))
    assert amounts_of(rows, "tax") == [Decimal("0.07")]  # 0.0741; line by line it would be three times 0.02


def test_rates_that_are_written_differently_are_one_rate() -> None:
    rows = list(calculate_invoices([line(tax_rate="0.19"), line(tax_rate="0.190"), line(tax_rate=0.19)]))
    assert [row["base"] for row in rows if row["kind"] == "tax"] == [Decimal("30.00")]


def test_a_credit_note_is_the_invoice_with_the_other_sign() -> None:
    invoice = list(calculate_invoices([line(unit_price="0.125")]))
    credit = list(calculate_invoices([line(unit_price="0.125", quantity="-1")]))
    assert [row["amount"] for row in credit] == [-row["amount"] for row in invoice]


def test_an_invoice_is_made_before_the_next_one_is_read() -> None:
    read = []

    def rows() -> Any:
        for number in ("1", "2", "3"):
            read.append(number)
            yield line(invoice_number=number)

    next(calculate_invoices(rows()))
    assert read == ["1", "2"]


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"quantity": None}, "quantity"),
        ({"quantity": "1,5"}, "quantity"),
        ({"unit_price": "NaN"}, "unit_price"),
        ({"unit_price": True}, "unit_price"),
        ({"unit_price": "1e999999"}, "unit_price"),
        ({"unit_price": "1e-999999"}, "unit_price"),
        ({"tax_rate": "19 %"}, "tax_rate"),
        ({"currency": "EURO"}, "currency"),
        ({"currency": "USD"}, "currency"),
        ({"buyer_name": "Somebody else"}, "buyer_name"),
    ],
)
def test_a_value_that_cannot_be_is_named_by_row_and_column_and_not_shown(changes: Row, column: str) -> None:
    with pytest.raises(InvalidRows, match=f"^row 2, column {column}: ") as refused:
        list(calculate_invoices([line(), line(**changes)]))
    assert not any(str(value) in str(refused.value) for value in changes.values() if value not in (None, True))


def test_a_line_without_a_number_is_refused() -> None:
    with pytest.raises(InvalidRows, match=r"^row 1, column invoice_number: "):
        list(calculate_invoices([line(invoice_number="")]))


def test_two_spellings_of_one_number_are_not_two_invoices_in_one_document() -> None:
    with pytest.raises(InvalidRows, match=r"row 2, column invoice_number: it differs"):
        list(calculate_invoices([line(invoice_number="A1"), line(invoice_number="A1 ")]))


def test_sums_of_any_size_are_exact() -> None:
    lines = [line(unit_price="99999999999999999999999999999.00", tax_rate="0.1"), line(unit_price="0.01")]
    lines = [each | {"quantity": "1"} for each in lines]
    assert amounts_of(list(calculate_invoices(lines)), "net") == [Decimal("99999999999999999999999999999.01")]
