"""HTML: one file with everything in it, for the screen and for printing."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from postroom_report.charts import pictures
from postroom_report.definition import Column
from postroom_report.formatting import Formatting, heading, is_numeric
from postroom_report.labels import labels_for
from postroom_report.rendering import PagesDone
from postroom_report.tabulation import GroupStart, Record, Table

MOST_COLUMNS_UPRIGHT = 7
_FOLDER = Path(__file__).parent
_FONTS = "system-ui, 'Noto Sans', sans-serif"
_MADE_AT = Column(name="made_at", format="datetime")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_LOGOS = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
_PIECE = 1 << 16


class HtmlRenderer:
    """See Renderer. The rows go through a file, since the charts that stand above them need all of them."""

    def render(self, table: Table, target: Path, on_pages: PagesDone) -> int:  # noqa: ARG002 - there are no pages
        """See Renderer."""
        environment = Environment(
            loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        formatting = Formatting(table.layout)
        with TemporaryFile("w+", encoding="utf-8", newline="\n", dir=target.parent) as rows:
            rows.writelines(environment.get_template("rows.html").generate(_rows(table, formatting)))
            rows.seek(0)
            page = environment.get_template("page.html").generate(_page(table, formatting, rows))
            with target.open("w", encoding="utf-8", newline="\n", buffering=1 << 18) as file:
                file.writelines(page)
        return 0


@dataclass(frozen=True, slots=True)
class _Line:
    kind: str
    level: int = 0
    label: str = ""
    texts: tuple[str, ...] = ()


def _rows(table: Table, formatting: Formatting) -> dict[str, Any]:
    columns = [{"heading": _clean(heading(column)), "is_numeric": is_numeric(column)} for column in table.columns]
    labels = labels_for(formatting.locale.language)
    return {
        "columns": columns,
        "marks": [Markup(' class="n"') if column["is_numeric"] else "" for column in columns],
        "lines": _lines(table, formatting, labels["total"]),
        "empty": labels["empty"],
    }


def _lines(table: Table, formatting: Formatting, total: str) -> Iterator[_Line]:
    groups: dict[int, str] = {}
    for item in table.items():
        if isinstance(item, GroupStart):
            groups[item.level] = name = _clean(formatting.text(item.column, item.value))
            yield _Line("group", item.level, f"{_clean(heading(item.column))}: {name}")
            continue
        texts = tuple(_clean(formatting.text(*pair)) for pair in zip(table.columns, item.values, strict=True))
        if isinstance(item, Record):
            yield _Line("record", texts=texts)
        elif table.rows:
            yield _Line("totals", item.level, f"{total} {groups[item.level]}" if item.level else total, texts)


def _page(table: Table, formatting: Formatting, rows: IO[str]) -> dict[str, Any]:
    layout = table.layout
    made_at = layout.made_at.astimezone(layout.time_zone)
    return {
        "language": str(formatting.locale).replace("_", "-"),
        "direction": "rtl" if formatting.is_right_to_left else "ltr",
        "title": _clean(layout.title),
        "style": Markup((_FOLDER / "style.css").read_text(encoding="utf-8")),  # noqa: S704 - ours
        "paper": _paper(table),
        "page_number": Markup('counter(page) " / " counter(pages)'),
        "letterhead": layout.letterhead,
        "logo": _logo(layout.letterhead.logo),
        "made_at": formatting.text(_MADE_AT, made_at),
        "charts": [Markup(picture.svg) for picture in pictures(table.charts, formatting, _FONTS)],  # noqa: S704 - escaped
        "rows": _pieces(rows),
    }


def _pieces(rows: IO[str]) -> Iterator[Markup]:
    while piece := rows.read(_PIECE):
        yield Markup(piece)  # noqa: S704 - escaped when it was written


def _paper(table: Table) -> str:
    definition = table.layout.definition
    name = "letter" if definition.paper == "us-letter" else "A4"
    if definition.orientation != "auto":
        return f"{name} {definition.orientation}"
    return f"{name} {'landscape' if len(table.columns) > MOST_COLUMNS_UPRIGHT else 'portrait'}"


def _logo(path: Path | None) -> str | None:
    if path is None or path.suffix.lower() not in _LOGOS:
        return None
    return f"data:{_LOGOS[path.suffix.lower()]};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _clean(text: str) -> str:
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
