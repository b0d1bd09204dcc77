"""A table of any length in bounded memory: laid out in parts of some dozens of pages, which are then joined.

Typst holds a whole document in memory, about 75 kB for each row. So each part is laid out with more rows than it will
have; its last page, which more rows might fill, is left to the next part. Where the pages break is therefore the same
as in one piece. When all parts are known, so is the number of pages, and they are made.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pikepdf

from postroom_report.rendering.pdf.typesetter import Typesetter

ROWS = 1500
"""Laid out at once: as many as fit 300 MiB."""

_Items = list[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class PageRange:
    """Some pages: how many items of the table are on them, and which group's headings stand above the first."""

    first_page: int
    pages: int
    items: int
    groups: tuple[Mapping[str, Any], ...]


def divide(
    items: Iterator[Mapping[str, Any]], typesetter: Typesetter, on_pages: Callable[[int], None]
) -> list[PageRange]:
    """Lay out `items` and say which go on which pages. `on_pages` is called with how many pages there are so far."""
    parts: list[PageRange] = []
    groups: tuple[Mapping[str, Any], ...] = ()
    first_page, size = 1, ROWS
    waiting: _Items = []
    while True:
        waiting += islice(items, size - len(waiting))
        is_last = len(waiting) < size
        _write_part(typesetter, [*groups, *waiting], first_page, pages=0, measuring=True)
        places = typesetter.query("places")
        typesetter.forget()
        pages, end = _cut(places, len(groups), len(waiting), is_last=is_last)
        if end == 0:  # not one whole page, or one row over many: take more
            size *= 2
            continue
        parts.append(PageRange(first_page, pages, end, groups))
        groups = _open_groups([*groups, *waiting[:end]])
        del waiting[:end]
        first_page, size = first_page + pages, ROWS
        on_pages(first_page - 1)
        if is_last:
            return parts


def typeset(
    items: Iterator[Mapping[str, Any]], parts: Sequence[PageRange], typesetter: Typesetter, target: Path
) -> int:
    """Make the parts and join them in `target`. Returns the number of pages."""
    total = sum(part.pages for part in parts)
    files = []
    for number, part in enumerate(parts):
        here = [*part.groups, *islice(items, part.items)]
        while here and here[-1]["kind"] == "group":  # it stands at the top of the next page
            here.pop()
        _write_part(typesetter, here, part.first_page, total, measuring=False)
        files.append(typesetter.main.with_name(f"part-{number}.pdf"))
        typesetter.pdf(files[-1], tagged=False)
        typesetter.forget()
    return join(files, target)


def whole(items: Iterator[Mapping[str, Any]], typesetter: Typesetter) -> None:
    """Get ready to make all items in one piece, the pages counted by Typst."""
    _write_part(typesetter, list(items), 1, pages=None, measuring=False)


def _cut(places: Mapping[str, Any], groups: int, count: int, *, is_last: bool) -> tuple[int, int]:
    """How many pages are finished, and how many of the `count` items are on them; of the last part, all."""
    last = max((page for _, page in (*places["rows"], *places["ends"])), default=1)
    if is_last:
        return last, count
    starts: dict[int, int] = {}
    for number, page in places["rows"]:
        starts.setdefault(page, number)
    for page in range(last, 1, -1):
        first = starts.get(page)
        if first is None or any(number < first and end >= page for number, end in places["ends"]):
            continue  # it begins in the middle of a row
        return page - 1, first - groups
    return 0, 0


def _open_groups(items: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    headings: list[Mapping[str, Any]] = []
    for item in items:
        if item["kind"] == "group":
            headings = [heading for heading in headings if heading["level"] < item["level"]] + [item]
    return tuple(headings)


def _write_part(typesetter: Typesetter, items: _Items, first_page: int, pages: int | None, *, measuring: bool) -> None:
    part = {"items": items, "first_page": first_page, "pages": pages, "measuring": measuring}
    typesetter.main.with_name("part.json").write_bytes(orjson.dumps(part))


def join(files: Sequence[Path], target: Path) -> int:
    """Write the pages of `files` to `target`, compressed as far as PDF can. Returns their number."""
    with pikepdf.open(files[0], allow_overwriting_input=True) as joined:  # its description and its claim to PDF/A stay
        for file in files[1:]:
            with pikepdf.open(file) as part:
                joined.pages.extend(part.pages)
        joined.save(target, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        return len(joined.pages)
