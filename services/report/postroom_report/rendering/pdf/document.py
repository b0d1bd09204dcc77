"""Makes a PDF or pictures of a report's items: writes all that Typst reads to a folder, then compiles."""

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from babel import Locale

from postroom_report.charts import Picture
from postroom_report.fonts import REPLACEMENT, FontChoice, choose_fonts, not_shown
from postroom_report.labels import labels_for
from postroom_report.layout import Layout
from postroom_report.rendering.pdf import parts
from postroom_report.rendering.pdf.content import (
    GroupHeading,
    Heading,
    Item,
    TableContent,
    TableTotals,
    code_points,
    plain,
)
from postroom_report.rendering.pdf.page_layout import MARGIN, PADDING, PageLayout, fit
from postroom_report.rendering.pdf.text_width import breakable, directed, shortened
from postroom_report.rendering.pdf.typesetter import TYPE_FOLDER, Typesetter

log = logging.getLogger(__name__)

PREVIEW_PPI = 110.0
_FOOTER_EMS = 36.0

_MAIN = """#import "{file}": render
#let data = json("/report.json")
#set document(title: data.title, author: data.author)
#set text(font: data.fonts, lang: data.language, region: data.region, dir: if data.is_rtl {{ rtl }} else {{ ltr }})
#render(data{more})
"""


@dataclass(frozen=True, slots=True)
class Report:
    """A report to be put on pages.

    Attributes:
        made_at: the layout's moment as text.
        items: read once.
        charts: asked for after the items were read.
    """

    layout: Layout
    headings: tuple[Heading, ...]
    made_at: str
    items: Iterable[Item]
    charts: Callable[[], Sequence[Picture]] = tuple


def make_pdf(report: Report, target: Path, on_pages: Callable[[int], None]) -> int:
    """Write `target`. Returns its number of pages, and calls `on_pages` with those so far. Raises PdfTemplateFailed."""
    with _prepared(report, target.parent) as prepared:
        prepared.typesetter.forget()
        if not prepared.is_long:
            parts.whole(prepared.items(), prepared.typesetter)
            prepared.typesetter.pdf(target)
            pages = parts.join([target], target)
        else:
            plan = parts.divide(prepared.items(), prepared.typesetter, on_pages)
            pages = parts.typeset(prepared.items(), plan, prepared.typesetter, target)
        prepared.typesetter.forget()
    on_pages(pages)
    return pages


def make_pictures(report: Report, folder: Path) -> list[Path]:
    """Write the pages as PNG files to `folder`; of a long table, those of its first rows."""
    with _prepared(report, folder) as prepared:
        if prepared.is_long:
            log.warning("The preview shows the first %d rows", parts.ROWS)
        items = (item for _, item in zip(range(parts.ROWS), prepared.items(), strict=False))
        parts.whole(items, prepared.typesetter)
        prepared.typesetter.png(folder / "page-{0p}.png", PREVIEW_PPI)
    return sorted(folder.glob("page-*.png"))


@dataclass(frozen=True, slots=True)
class _Prepared:
    typesetter: Typesetter
    items: Callable[[], Iterator[dict[str, Any]]]
    is_long: bool


@contextmanager
def _prepared(report: Report, beside: Path) -> Iterator[_Prepared]:
    layout = report.layout
    fonts = choose_fonts(layout.fonts_folder, layout.locale)
    with TemporaryDirectory(dir=beside, prefix=".typesetting-") as name:
        root = Path(name)
        typesetter = Typesetter(root, fonts, layout.made_at)
        if layout.definition.template:
            typesetter.add_type(layout.folder)
            yield _for_template(report, root, typesetter, fonts)
        else:
            yield _for_table(report, root, typesetter, fonts)


def _for_table(report: Report, root: Path, typesetter: Typesetter, fonts: FontChoice) -> _Prepared:
    content = TableContent(root / "items.jsonl", report.headings)
    content.write(report.items)
    page = fit(content.measures, report.layout.definition)
    data = _data(report, root, fonts) | _measured(report, page) | {"is_empty": content.lines == 0}
    missing = _write_data(data, content.characters, root, fonts)
    typesetter.main.write_text(
        _MAIN.format(file="/table.typ", more=', json("/part.json")'), encoding="utf-8", newline="\n"
    )
    ems = [(width - PADDING) / page.font_size for width in page.widths]
    return _Prepared(typesetter, lambda: content.read(missing, ems, is_rtl=data["is_rtl"]), content.lines > parts.ROWS)


def _for_template(report: Report, root: Path, typesetter: Typesetter, fonts: FontChoice) -> _Prepared:
    names = [heading.name for heading in report.headings]
    items = [_named(item, names) for item in report.items]
    columns = [{"name": heading.name, "title": plain(heading.title)} for heading in report.headings]
    data = _data(report, root, fonts) | {"columns": columns, "items": items}
    _write_data(data, set(), root, fonts)
    file = f"/{TYPE_FOLDER}/{report.layout.definition.template}"
    typesetter.main.write_text(_MAIN.format(file=file, more=""), encoding="utf-8", newline="\n")
    return _Prepared(typesetter, lambda: iter(()), is_long=False)


def _named(item: Item, names: Sequence[str]) -> dict[str, Any]:
    if isinstance(item, GroupHeading):
        return {"kind": "group", "level": item.level, "words": plain(item.words)}
    cells = dict(zip(names, map(plain, item.cells), strict=True))
    if isinstance(item, TableTotals):
        return {"kind": "totals", "label": plain(item.label), "cells": cells}
    return {"kind": "record", "cells": cells, "values": _value(item.source)}


def _value(value: Any) -> Any:
    """As JSON; a number that is not whole as text, so that it stays exact."""
    if isinstance(value, Mapping):
        return {plain(str(name)): _value(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_value(each) for each in value]
    is_small = isinstance(value, int) and abs(value) < 2**53
    return value if value is None or is_small else plain(str(value))


def _measured(report: Report, page: PageLayout) -> dict[str, Any]:
    columns = [
        {"name": heading.name, "heading": breakable(plain(heading.title)), "numeric": heading.numeric, "width": width}
        for heading, width in zip(report.headings, page.widths, strict=True)
    ]
    size = {"width": page.width, "height": page.height, "font_size": page.font_size, "margin": MARGIN}
    return {"columns": columns, "page": size}


def _data(report: Report, root: Path, fonts: FontChoice) -> dict[str, Any]:
    """What every template gets."""
    layout = report.layout
    locale = Locale.parse(layout.locale)
    title = plain(layout.title)
    is_rtl = locale.text_direction == "rtl"
    return {
        "type": layout.type,
        "title": title,
        "short_title": shortened(title, _FOOTER_EMS),
        "title_pieces": directed(breakable(title), title, is_rtl=is_rtl),
        "parameters": {name: _value(value) for name, value in layout.parameters.items()},
        "made_at": report.made_at,
        "author": plain(layout.letterhead.name) or "Postroom",
        "letterhead": {
            "name": plain(layout.letterhead.name),
            "lines": [directed(line, line, is_rtl=is_rtl) for line in map(plain, layout.letterhead.lines)],
            "logo": _logo(layout.letterhead.logo, root),
        },
        "charts": [_chart(number, chart, root) for number, chart in enumerate(report.charts())],
        "labels": labels_for(locale.language),
        "language": locale.language,
        "region": locale.territory,
        "is_rtl": is_rtl,
        "paper": layout.definition.paper,
        "fonts": fonts.families,
    }


def _logo(logo: Path | None, root: Path) -> str | None:
    if logo is None:
        return None
    name = f"logo{logo.suffix.lower()}"
    shutil.copyfile(logo, root / name)
    return f"/{name}"


def _chart(number: int, chart: Picture, root: Path) -> dict[str, str]:
    name = f"chart-{number}.svg"
    (root / name).write_text(chart.svg, encoding="utf-8")
    return {"file": f"/{name}", "alt": plain(chart.alt)}


def _write_data(data: Mapping[str, Any], more: set[str], root: Path, fonts: FontChoice) -> set[str]:
    text = orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS).decode()
    missing = {character for character in not_shown(more | set(text), fonts) if ord(character) > 0x7F}
    if REPLACEMENT in more or REPLACEMENT in text:
        log.warning("The data of the report has control characters or half characters, shown as %s", REPLACEMENT)
    if missing:
        log.warning(
            "No font here has %s, shown as %s; install fonts (Noto), or put some into REPORT_FONTS_DIR",
            *(code_points(missing), REPLACEMENT),
        )
    (root / "report.json").write_text(
        text.translate({ord(character): REPLACEMENT for character in missing}), encoding="utf-8", newline="\n"
    )
    return missing
