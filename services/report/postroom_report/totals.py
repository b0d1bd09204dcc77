"""Totals of columns and the points of charts, computed in one pass over the rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from postroom_report.definition import Chart, Column
from postroom_report.values import EXACT, Cell, Money, decimals, rounded

MOST_POINTS = 366
"""Values on a chart's x axis; what comes after them is added up in one last point."""


class Totalling:
    """The totals of some columns over some rows."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._sums = [_Total(column) if column.total else None for column in columns]
        self.rows = 0

    @property
    def is_wanted(self) -> bool:
        """Whether any column has a total."""
        return any(total is not None for total in self._sums)

    def add(self, values: Sequence[Cell]) -> None:
        """Take a row's values, in the order of the columns."""
        self.rows += 1
        for total, value in zip(self._sums, values, strict=True):
            if total is not None and value is not None:
                total.add(value)

    def values(self) -> tuple[Cell, ...]:
        """The totals so far; None under a column without one, or without values."""
        return tuple(None if total is None else total.value() for total in self._sums)


@dataclass(slots=True)
class _Total:
    column: Column
    count: int = 0
    found: dict[str | None, Any] = field(default_factory=dict)  # by currency: the sum, or the least or greatest
    counts: dict[str | None, int] = field(default_factory=dict)

    def add(self, value: Any) -> None:
        self.count += 1
        kind = self.column.total
        amount, currency = (value.amount, value.currency) if isinstance(value, Money) else (value, None)
        if kind in ("min", "max"):
            old = self.found.get(currency)
            if old is None or (amount < old if kind == "min" else amount > old):
                self.found[currency] = amount
        elif kind != "count" and isinstance(amount, int | Decimal):
            self.found[currency] = EXACT.add(self.found.get(currency, Decimal(0)), Decimal(amount))
            self.counts[currency] = self.counts.get(currency, 0) + 1

    def value(self) -> Cell:
        kind = self.column.total
        if kind == "count":
            return self.count
        found = {currency: self._settled(currency, amount) for currency, amount in self.found.items()}
        if self.column.format == "money":
            amounts = tuple(Money(amount, currency) for currency, amount in sorted(found.items(), key=str))
            return amounts[0] if len(amounts) == 1 else amounts or None
        amount = found.get(None)
        if amount is not None and self.column.format == "integer" and kind == "sum":
            return int(amount)
        return amount

    def _settled(self, currency: str | None, amount: Any) -> Any:
        if self.column.total != "average":
            return amount
        places = max(decimals(self.column, currency), 0) if self.column.format != "integer" else 1
        return rounded(EXACT.divide(amount, Decimal(self.counts[currency])), places)


@dataclass(slots=True)
class ChartPoints:
    """A chart's points: for each value of its x column the sums of its y columns.

    Attributes:
        points: in order of appearance; of more than MOST_POINTS, the last, with the x value None, has all others.
    """

    chart: Chart
    x: Column
    y: tuple[Column, ...]
    points: dict[Cell, list[Decimal]] = field(default_factory=dict)

    def add(self, x: Cell, y: Iterable[Cell]) -> None:
        """Take a row's values, as they are in the table."""
        if x not in self.points and len(self.points) >= MOST_POINTS:
            x = None
        sums = self.points.setdefault(x, [Decimal(0)] * len(self.y))
        for index, value in enumerate(y):
            amount = value.amount if isinstance(value, Money) else value
            if isinstance(amount, int | Decimal):
                sums[index] = EXACT.add(sums[index], Decimal(amount))
