"""Bar and line charts as SVG, for HTML and PDF.

Plain attributes instead of CSS, so that every program draws them; text is measured roughly and rather too wide.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

from postroom_report.definition import Column
from postroom_report.formatting import Formatting, heading
from postroom_report.scales import scale_of, tick_texts
from postroom_report.totals import MOST_POINTS, ChartPoints
from postroom_report.values import Cell

COLOURS = ("#2f6fab", "#e08a2e", "#3d8b63", "#b0489a", "#7a6a53", "#5b6bc0")
"""Also people who do not see all colours can distinguish them; a legend names them in this order."""
WIDTH = 720.0
_PLOT_HEIGHT = 210.0
_EDGE = 10.0
_SIZE = 11.0
_TITLE_SIZE = 14.0
_LINE = 17.0
_SLANTED_LONGEST = 22  # characters of a label that stands aslant
_STEPS = (1, 2, 3, 4, 6, 12, 24, 48, 96, 192, 384)  # of hours and months, whose labels should be even
_OTHERS = {"de": "Übrige", "es": "Otros", "fr": "Autres", "it": "Altri", "nl": "Overige", "pl": "Inne", "pt": "Outros"}
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart as SVG, and what it shows in words."""

    svg: str
    alt: str


def pictures(charts: Sequence[ChartPoints], formatting: Formatting, fonts: str = "sans-serif") -> list[Picture]:
    """The charts that have points. `fonts` is a list of families as in CSS."""
    return [_Drawing(points, formatting, fonts).picture() for points in charts if points.points]


def label_of(points: ChartPoints, x: Cell, formatting: Formatting) -> str:
    """The label under a point."""
    if x is None:
        is_rest = len(points.points) > MOST_POINTS
        return _OTHERS.get(formatting.locale.language, "Others") if is_rest else "–"  # noqa: RUF001 - no value
    return " ".join(formatting.text(points.x, x).split())


class _Drawing:
    def __init__(self, points: ChartPoints, formatting: Formatting, fonts: str) -> None:
        self._points, self._formatting, self._fonts = points, formatting, fonts
        self._labels = [label_of(points, x, formatting) for x in points.points]
        self._names = [heading(column) for column in points.y]
        self._rows = list(points.points.values())
        self._scale = scale_of((value for row in self._rows for value in row), whole=_are_whole(points.y))
        self._ticks = tick_texts(self._scale, points.y[0], formatting)
        self._left = _EDGE + 8 + max(map(text_width, self._ticks))
        # Names that do not fit beside each other stand aslant; of times and numbers some are left out instead.
        self._is_aslant = points.x.format == "text" and max(map(text_width, self._labels)) + 6 > self._slot
        if self._is_aslant:
            self._labels = [shortened_to(label, _SLANTED_LONGEST) for label in self._labels]
            self._left = max(self._left, 0.8 * text_width(self._labels[0]) - self._slot / 2)
        self._top = _EDGE

    def picture(self) -> Picture:
        body = [*self._title(), *self._legend(), *self._axis()]
        body += self._lines() if self._points.chart.kind == "line" else self._bars()
        body += self._x_labels()
        height = self._bottom + self._label_height() + _EDGE
        title = self._points.chart.title or ", ".join(self._names)
        alt = f"{title}: {', '.join(self._names)}; {heading(self._points.x)}: {_from_to(self._labels)}"
        svg = (
            # Its own direction: in a page from right to left, `start` and `end` of texts would else change sides.
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:g}" width="{WIDTH:g}" '
            f'height="{height:g}" role="img" direction="ltr" font-family="{_escaped(self._fonts)}" '
            f'font-size="{_SIZE:g}" fill="#333333"><title>{_escaped(title)}</title><desc>{_escaped(alt)}</desc>'
            f"{''.join(body)}</svg>\n"
        )
        return Picture(svg, alt)

    @property
    def _slot(self) -> float:
        """The width of a point."""
        return (WIDTH - self._left - _EDGE) / len(self._rows)

    @property
    def _bottom(self) -> float:
        return self._top + _PLOT_HEIGHT

    def _x(self, from_start: float) -> float:
        """The place so far from where reading starts."""
        return WIDTH - from_start if self._formatting.is_right_to_left else from_start

    def _y(self, value: Decimal) -> float:
        return self._bottom - self._scale.part(value) * _PLOT_HEIGHT

    def _title(self) -> Iterator[str]:
        title = self._points.chart.title
        if title:
            shown = shortened(title, (WIDTH - 2 * _EDGE) * _SIZE / _TITLE_SIZE)
            more = f' font-size="{_TITLE_SIZE:g}" font-weight="bold"'
            yield self._text(_EDGE, self._top + _TITLE_SIZE - 1, shown, "start", more)
            self._top += _TITLE_SIZE + 10

    def _legend(self) -> Iterator[str]:
        """One entry for each series, in as many lines as they need; none for a single one with a title."""
        if len(self._names) == 1 and self._points.chart.title:
            self._top += 6
            return
        at = _EDGE
        for name, colour in zip(self._names, COLOURS, strict=False):
            shown = shortened(name, WIDTH - 2 * _EDGE - 30)
            width = 14 + text_width(shown) + 18
            if at > _EDGE and at + width > WIDTH:
                at, self._top = _EDGE, self._top + _LINE
            yield _box(min(self._x(at), self._x(at + 10)), self._top, 10, 10, colour)
            yield self._text(at + 15, self._top + 9, shown, "start")
            at += width
        self._top += _LINE + 10

    def _axis(self) -> Iterator[str]:
        for tick, text in zip(self._scale.ticks, self._ticks, strict=True):
            y = self._y(tick)
            colour = "#8a8a8a" if tick == 0 else "#e0e0e0"
            ends = f'x1="{self._x(self._left):.4g}" x2="{self._x(WIDTH - _EDGE):.4g}"'
            yield f'<line {ends} y1="{y:.5g}" y2="{y:.5g}" stroke="{colour}" stroke-width="1"/>'
            yield self._text(self._left - 6, y + 4, text, "end")

    def _bars(self) -> Iterator[str]:
        count = len(self._names)
        gap = self._slot * 0.2
        width = (self._slot - gap) / count
        zero = self._y(Decimal(0))
        for series, colour in zip(range(count), COLOURS, strict=False):
            path = []
            for number, row in enumerate(self._rows):
                if row[series]:
                    start = self._left + number * self._slot + gap / 2 + series * width
                    left = min(self._x(start), self._x(start + width))
                    path.append(f"M{left:.2f} {zero:.2f}V{self._y(row[series]):.2f}h{width:.2f}V{zero:.2f}z")
            yield f'<path d="{"".join(path)}" fill="{colour}"/>' if path else ""

    def _lines(self) -> Iterator[str]:
        for series, colour in zip(range(len(self._names)), COLOURS, strict=False):
            places = [(self._x(self._middle(n)), self._y(row[series])) for n, row in enumerate(self._rows)]
            corners = " ".join(f"{x:.2f},{y:.2f}" for x, y in places)
            style = f'fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round"'
            yield f'<polyline points="{corners}" {style}/>'
            if self._slot > 12:
                yield from (f'<circle cx="{x:.2f}" cy="{y:.2f}" r="3" fill="{colour}"/>' for x, y in places)

    def _middle(self, number: int) -> float:
        return self._left + (number + 0.5) * self._slot

    def _label_height(self) -> float:
        return 14.0 + max(map(text_width, self._labels)) * 0.62 if self._is_aslant else 20.0

    def _x_labels(self) -> Iterator[str]:
        needed = 15.0 if self._is_aslant else max(map(text_width, self._labels)) + 8
        step = next((step for step in _STEPS if step * self._slot >= needed), len(self._labels))
        for number in range(0, len(self._labels), step):
            label, middle = self._labels[number], self._middle(number)
            if self._is_aslant:
                yield self._aslant(middle, label)
            else:
                # The outermost may stand out over the plot, as far as the picture goes.
                half = text_width(label) / 2 + 2
                yield self._text(min(max(middle, half), WIDTH - half), self._bottom + 15, label, "middle")

    def _aslant(self, middle: float, label: str) -> str:
        x, y = self._x(middle), self._bottom + 12
        angle = 38 if self._formatting.is_right_to_left else -38
        return self._text(middle + 3, y, label, "end", f' transform="rotate({angle} {x:.2f} {y:.2f})"')

    def _text(self, x: float, y: float, text: str, anchor: str, more: str = "") -> str:
        if self._formatting.is_right_to_left:
            anchor = {"start": "end", "end": "start"}.get(anchor, anchor)
        return f'<text x="{self._x(x):.2f}" y="{y:.2f}" text-anchor="{anchor}"{more}>{_escaped(text)}</text>'


def text_width(text: str) -> float:
    """Of a line in the charts' size."""
    return _SIZE * sum(map(_ems, text))


def shortened(text: str, width: float) -> str:
    """The beginning of `text` that is not wider."""
    return text if text_width(text) <= width else shortened_to(text, max(1, int(len(text) * width / text_width(text))))


def shortened_to(text: str, characters: int) -> str:
    """The beginning of `text` that has no more characters."""
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"


def _ems(character: str) -> float:
    if unicodedata.combining(character) or unicodedata.category(character) == "Cf":
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    return 0.33 if character in "iIjl.,:;'|! \u00a0\u202f" else 0.66 if not character.isdigit() else 0.58


def _are_whole(columns: Sequence[Column]) -> bool:
    return all(column.format == "integer" for column in columns)


def _from_to(labels: Sequence[str]) -> str:
    return labels[0] if len(labels) == 1 else f"{labels[0]} – {labels[-1]}"  # noqa: RUF001 - from, to


def _box(left: float, top: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{left:.2f}" y="{top:.2f}" width="{width:g}" height="{height:g}" rx="2" fill="{colour}"/>'


def _escaped(text: str) -> str:
    return escape(_ILLEGAL.sub("\ufffd", text))
