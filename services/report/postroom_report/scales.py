"""The scale of a chart's values: where it begins and ends, its ticks, and how they are written."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from babel.numbers import format_compact_decimal, format_decimal

from postroom_report.definition import Column
from postroom_report.formatting import Formatting
from postroom_report.values import EXACT

TICKS_WANTED = 5
_STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
_COMPACT_FROM = 1_000_000


@dataclass(frozen=True, slots=True)
class Scale:
    """Ticks at equal distances, 0 among them, that reach over all values."""

    ticks: tuple[Decimal, ...]

    def part(self, value: Decimal) -> float:
        """Where `value` lies between the lowest tick, 0.0, and the highest, 1.0."""
        low, high = self.ticks[0], self.ticks[-1]
        return float(EXACT.divide(value - low, high - low))


def scale_of(values: Iterable[Decimal], *, whole: bool) -> Scale:
    """The scale for `values`; of whole numbers, no tick lies between two."""
    low = high = Decimal(0)
    for value in values:
        low, high = min(low, value), max(high, value)
    if low == high:
        high = Decimal(1)
    step = _step((high - low) / TICKS_WANTED)
    if whole:
        step = max(step.to_integral_value(rounding="ROUND_CEILING"), Decimal(1))
    first = (low / step).to_integral_value(rounding="ROUND_FLOOR")
    last = (high / step).to_integral_value(rounding="ROUND_CEILING")
    return Scale(tuple((first + number) * step for number in range(int(last - first) + 1)))


def tick_texts(scale: Scale, column: Column, formatting: Formatting) -> list[str]:
    """The ticks as people of the locale write them, all with as many digits after the point."""
    step = scale.ticks[1] - scale.ticks[0]
    places = max(0, -int(step.normalize().as_tuple().exponent))
    if column.format == "percent":
        shown = column.model_copy(update={"decimals": max(0, places - 2)})
        return [formatting.text(shown, tick) for tick in scale.ticks]
    if step >= _COMPACT_FROM:
        return [_compact(tick, formatting) for tick in scale.ticks]
    pattern = "#,##0" + ("." + "0" * places if places else "")
    return [str(format_decimal(tick, format=pattern, locale=formatting.locale)) for tick in scale.ticks]


def _compact(tick: Decimal, formatting: Formatting) -> str:
    return str(format_compact_decimal(tick, locale=formatting.locale, fraction_digits=2))


def _step(least: Decimal) -> Decimal:
    power = Decimal(1).scaleb(least.adjusted())
    return next(step * power for step in _STEPS if step * power >= least)
