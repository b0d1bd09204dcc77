"""One report to be made: its definition with all parameters filled in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from postroom.wire.messages.report import ReportFormat
from postroom_report.definition import Definition

Row = Mapping[str, Any]
"""Values by column name, as the database's driver or JSON gave them."""


@dataclass(frozen=True, slots=True)
class Letterhead:
    """The top of each PDF and HTML page: the organisation's name, lines under it, a logo (SVG, PNG)."""

    name: str = ""
    lines: tuple[str, ...] = ()
    logo: Path | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """A report to be made.

    Attributes:
        type: the report type's name.
        folder: the type's folder, where its template lies.
        definition: as its author wrote it.
        title: with the parameters filled in.
        label: what people call the file, without its ending; never used as a path.
        parameters: all of them, by name, in their own types.
        made_at: shown on the report; the moment the job was meant for, so that making it again gives the same file.
        locale: a Babel locale, `de` or `pt_BR`.
        fonts_folder: more fonts for PDF (REPORT_FONTS_DIR), beside those of the system.
    """

    type: str
    folder: Path
    definition: Definition
    format: ReportFormat
    title: str
    label: str
    parameters: Mapping[str, Any]
    made_at: datetime
    locale: str
    time_zone: ZoneInfo
    letterhead: Letterhead = field(default_factory=Letterhead)
    fonts_folder: Path | None = None
    csv_byte_order_mark: bool = True


@dataclass(frozen=True, slots=True)
class RenderProgress:
    """How far a report is: rows read, pages laid out (PDF; 0 before they are known), documents finished."""

    rows: int = 0
    pages: int = 0
    documents: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """A finished file on the local disk.

    Attributes:
        part: the value of the `each` column it was made for; empty when the report is one document.
        path: where it lies; it belongs to the receiver, who moves or deletes it.
        rows: how many rows went in. `pages`: of a PDF, 0 otherwise.
    """

    part: str
    path: Path
    rows: int
    pages: int


ReportProgress = Callable[[RenderProgress], None]
