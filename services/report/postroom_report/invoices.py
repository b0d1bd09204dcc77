"""Invoices: from lines with quantity, price and tax rate to amounts and totals, in decimal arithmetic.

The rows that come out, those of one invoice after the other, have a `kind`:

    line    as given, with `position` from 1; `amount` = quantity by unit price, rounded to the currency's minor units
    net     `amount` = the sum of the lines' amounts
    tax     one for each tax rate, highest first: `base` = the sum of its lines, `amount` = base by rate, rounded once
    gross   `amount` = net + all taxes

Each carries the invoice's own values too (number, dates, parties, currency, note). Halves are rounded away from zero,
so a credit note has the amounts of its invoice with the other sign. A tax rate is a fraction: 0.19 is 19 %.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import reduce
from itertools import groupby
from typing import Any

from babel.core import get_global
from babel.numbers import get_currency_precision

from postroom_report.errors import InvalidRows
from postroom_report.layout import Row

OF_THE_INVOICE = (
    *("invoice_number", "invoice_date", "due_date", "currency"),
    *("seller_name", "seller_address", "seller_tax_id", "buyer_name", "buyer_address", "buyer_tax_id", "note"),
)
"""Columns that are the same in all lines of one invoice."""

_DIGITS = 30  # of a quantity or a price: far more than any money has, and no power of ten that fills the memory
_EXACT = Context(prec=200, rounding=ROUND_HALF_UP)
_NumberedRow = tuple[int, Row]


def calculate_invoices(rows: Iterable[Row]) -> Iterator[Row]:
    """Rows of lines to rows of invoices, as this module's docstring says.

    Lines of one invoice must follow each other; no more than one invoice is held in memory. Values may be Decimal,
    whole numbers or text; a fraction that came as a JSON number counts as it was written.

    Raises InvalidRows, naming the row and the column.
    """
    for _, lines in groupby(enumerate(rows, start=1), key=_number_of):
        yield from _invoice(list(lines))


def rounded(amount: Decimal, currency: str) -> Decimal:
    """`amount` in whole minor units of `currency`, halves away from zero. Exact for any amount."""
    return amount.quantize(Decimal(1).scaleb(-get_currency_precision(currency)), context=_EXACT)


def _invoice(lines: list[_NumberedRow]) -> Iterator[Row]:
    shared = _shared(lines)
    currency = shared["currency"]
    bases: dict[Decimal, Decimal] = {}
    for position, (number, line) in enumerate(lines, start=1):
        quantity, unit_price = (_decimal(number, line, column) for column in ("quantity", "unit_price"))
        rate = _decimal(number, line, "tax_rate", absent="0").normalize()
        amount = rounded(_EXACT.multiply(quantity, unit_price), currency)
        bases[rate] = _EXACT.add(bases.get(rate, Decimal(0)), amount)
        numbers = {"quantity": quantity, "unit_price": unit_price, "tax_rate": rate, "amount": amount}
        yield {**line, **shared, **numbers, "kind": "line", "position": position}
    yield from _totals(shared, currency, bases)


def _totals(shared: Mapping[str, Any], currency: str, bases: Mapping[Decimal, Decimal]) -> Iterator[Row]:
    net = gross = rounded(reduce(_EXACT.add, bases.values(), Decimal(0)), currency)
    yield {**shared, "kind": "net", "amount": net}
    for rate, base in sorted(bases.items(), reverse=True):
        tax = rounded(_EXACT.multiply(base, rate), currency)
        gross = _EXACT.add(gross, tax)
        yield {**shared, "kind": "tax", "tax_rate": rate, "base": base, "amount": tax}
    yield {**shared, "kind": "gross", "amount": gross}


def _number_of(numbered: _NumberedRow) -> str:
    """As batches are parted: two spellings of one number are one invoice, which is then refused."""
    number = numbered[1].get("invoice_number")
    return "" if number is None else str(number).strip()


def _shared(lines: list[_NumberedRow]) -> dict[str, Any]:
    first_number, first = lines[0]
    if first.get("invoice_number") in (None, ""):
        raise InvalidRows(f"row {first_number}, column invoice_number: it is missing")
    if not isinstance(first.get("currency"), str) or first["currency"] not in get_global("all_currencies"):
        raise InvalidRows(f"row {first_number}, column currency: it must be an ISO 4217 code, such as EUR")
    for number, line in lines[1:]:
        for column in OF_THE_INVOICE:
            if line.get(column, first.get(column)) != first.get(column):
                raise InvalidRows(f"row {number}, column {column}: it differs from the invoice's first line")
    return {column: first.get(column) for column in OF_THE_INVOICE}


def _decimal(number: int, line: Row, column: str, absent: str | None = None) -> Decimal:
    value = line.get(column)
    given = absent if value is None or value == "" else value
    if given is None:
        raise InvalidRows(f"row {number}, column {column}: it is missing")
    # str of a float is the shortest text that means it: what the sender wrote.
    text = given if isinstance(given, Decimal) else "" if isinstance(given, bool) else str(given).strip()
    try:
        decimal = Decimal(text)
    except InvalidOperation:
        decimal = Decimal("NaN")
    if not decimal.is_finite() or decimal.adjusted() >= _DIGITS or decimal.as_tuple().exponent < -_DIGITS:  # type: ignore[operator]
        raise InvalidRows(f"row {number}, column {column}: it must be a decimal number with a point, such as 12.50")
    return decimal
