"""Makes a report's documents from rows: what a child process does."""

import hashlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from postroom_report.errors import InvalidRows
from postroom_report.invoices import calculate_invoices
from postroom_report.layout import Document, Layout, RenderProgress, ReportProgress, Row
from postroom_report.rendering import ending, renderer_for
from postroom_report.tabulation import tabulate

PROGRESS_EVERY_SECONDS = 0.2
ROWS_BETWEEN_CHECKS = 256
_LONGEST_PART = 200


def produce(
    layout: Layout,
    rows: Iterable[Row],
    folder: Path,
    progress: ReportProgress,
    skip: frozenset[str] = frozenset(),
) -> Iterator[Document]:
    """Make the documents, each when it is asked for, as files in `folder`.

    Args:
        skip: the parts of a batch that need not be made again.

    Raises InvalidRows, BrokenReportType, and whatever `rows` raises.
    """
    counter = _ProgressCounter(progress)
    counted = counter.counted(rows)
    if layout.definition.calculation == "invoice":
        counted = calculate_invoices(counted)
    each = layout.definition.each
    if each is None:
        yield _document(layout, "", counted, folder, counter)
        return
    seen: set[str] = set()
    for part, part_rows in groupby(counted, key=lambda row: _part_of(row, each)):
        if part in seen:
            raise InvalidRows(f"column {each}: the rows of one document must follow each other; one comes twice")
        seen.add(part)
        if part not in skip:
            yield _document(layout, part, part_rows, folder, counter)
    if not seen:
        raise InvalidRows(f"there are no rows, and each document is made for a value of {each}")


@dataclass(slots=True)
class _ProgressCounter:
    report: ReportProgress
    rows: int = 0
    pages: int = 0
    documents: int = 0
    reported_at: float = 0.0

    def counted(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            self.rows += 1
            if self.rows % ROWS_BETWEEN_CHECKS == 0:
                self.report_if_due()
            yield row

    def report_if_due(self) -> None:
        now = time.monotonic()
        if now - self.reported_at >= PROGRESS_EVERY_SECONDS:
            self.reported_at = now
            self.report(RenderProgress(self.rows, self.pages, self.documents))


def _document(layout: Layout, part: str, rows: Iterable[Row], folder: Path, counter: _ProgressCounter) -> Document:
    name = hashlib.sha256(part.encode()).hexdigest()[:20] if part else "report"
    target = folder / (name + ending(layout.format))
    table = tabulate(layout, rows)
    before = counter.pages

    def laid_out(pages: int) -> None:
        counter.pages = before + pages
        counter.report_if_due()

    pages = renderer_for(layout.format).render(table, target, laid_out)
    counter.pages, counter.documents = before + pages, counter.documents + 1
    counter.report(RenderProgress(counter.rows, counter.pages, counter.documents))
    return Document(part, target, table.rows, pages)


def _part_of(row: Row, column: str) -> str:
    value: Any = row.get(column)
    part = "" if value is None else str(value).strip()
    if not part or len(part) > _LONGEST_PART:
        raise InvalidRows(f"column {column}: it must have a value in each row, at most {_LONGEST_PART} characters")
    return part
