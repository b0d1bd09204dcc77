"""The page layout of a table: page size, font size and the width of each column. Lengths in points."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from postroom_report.definition import Definition

MARGIN = 42.0
PADDING = 8.4  # left and right of each cell, and a little for rounding
_SIZES = {"a4": (595.28, 841.89), "us-letter": (612.0, 792.0)}
_LARGER = 2**0.25  # two steps from A4 to A3
_SHARE_OF_ONE_COLUMN = 30.0  # ems: one long text does not push the others to their least


@dataclass(slots=True)
class ColumnMeasures:
    """Of one column, in ems: `least` fits its longest word or number, `wanted` its longest text. `weight` if given."""

    least: float = 1.0
    wanted: float = 1.0
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class PageLayout:
    """Page size, font size, and the width of each column."""

    width: float
    height: float
    font_size: float
    widths: tuple[float, ...]


def fit(measures: Sequence[ColumnMeasures], definition: Definition) -> PageLayout:
    """The first page on which each column has its least width: smaller letters first, then landscape, then a larger
    sheet (which prints smaller on the paper there is, and loses nothing)."""
    for width, height, font_size in _choices(definition):
        least = [column.least * font_size + PADDING for column in measures]
        room = width - 2 * MARGIN
        largest = (width, height)
        if sum(least) <= room:
            break
    else:
        least = [part * room / sum(least) for part in least]
    return PageLayout(*largest, font_size, tuple(_distributed(measures, least, room, font_size)))


def _choices(definition: Definition) -> Iterator[tuple[float, float, float]]:
    short, long = _SIZES[definition.paper]
    portrait, landscape = (short, long), (long, short)
    turned = {"portrait": [portrait], "landscape": [landscape], "auto": [portrait, landscape]}[definition.orientation]
    for width, height in turned:
        yield from ((width, height, font_size) for font_size in (9.0, 8.5, 8.0, 7.5))
    width, height = turned[-1]
    for font_size in (7.0, 6.5):
        yield width, height, font_size
    for step in range(1, 17):
        yield width * _LARGER**step, height * _LARGER**step, 7.0


def _distributed(measures: Sequence[ColumnMeasures], least: list[float], room: float, font_size: float) -> list[float]:
    spare = room - sum(least)
    if any(column.weight for column in measures):
        total = sum(column.weight or 1.0 for column in measures)
        wanted = [room * (column.weight or 1.0) / total for column in measures]
    else:
        wanted = [min(column.wanted, _SHARE_OF_ONE_COLUMN) * font_size + PADDING for column in measures]
    missing = [max(0.0, want - part) for want, part in zip(wanted, least, strict=True)]
    share = min(1.0, spare / sum(missing)) if any(missing) else 0.0
    widths = [part + more * share for part, more in zip(least, missing, strict=True)]
    stretch = room / sum(widths)
    return [round(width * stretch, 2) for width in widths]
