"""The report types as a person sees them: what there is, and what a type looks like."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from postroom.settings import RuntimeSettings, read_settings
from postroom.wire.messages import GenerateReport
from postroom_report.definition import Definition
from postroom_report.errors import BrokenReportType
from postroom_report.invoices import calculate_invoices
from postroom_report.layout import Row
from postroom_report.planning import Planner
from postroom_report.registry import ReportTypes
from postroom_report.rendering.pdf import preview as preview_pages
from postroom_report.settings import ReportSettings
from postroom_report.sources import open_rows
from postroom_report.tabulation import tabulate


def described_types() -> list[dict[str, Any]]:
    """Every report type there is, as JSON has it; `error` in one that cannot be used."""
    types = ReportTypes(_planner().folders)
    return [_described(types, name) for name in types.names()]


def preview(job: GenerateReport, folder: Path) -> list[Path]:
    """Make pictures of the pages of a report, of its first document where it is several. The folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = asyncio.run(_planner().plan(job.model_copy(update={"format": "pdf"}), "preview", datetime.now(UTC)))
    definition = plan.layout.definition
    with open_rows(plan.layout, plan.request) as rows:
        calculated: Iterable[Row] = calculate_invoices(rows) if definition.calculation == "invoice" else rows
        if definition.each is not None:
            calculated = _first_part(calculated, definition.each)
        return list(preview_pages(tabulate(plan.layout, calculated), folder))


def _planner() -> Planner:
    return Planner(read_settings(ReportSettings), read_settings(RuntimeSettings))


def _described(types: ReportTypes, name: str) -> dict[str, Any]:
    try:
        folder, definition = types.find(name)
    except BrokenReportType as error:
        return {"type": name, "error": str(error)}
    return {
        "type": name,
        "title": definition.title,
        "description": definition.description,
        "rows": definition.rows.database,
        "parameters": _parameters(definition),
        "folder": str(folder),
    }


def _parameters(definition: Definition) -> list[dict[str, Any]]:
    return [{"name": name, **parameter.model_dump()} for name, parameter in definition.parameters.items()]


def _first_part(rows: Iterable[Row], column: str) -> Iterable[Row]:
    for _part, some in groupby(rows, key=lambda row: row.get(column)):
        return some
    return ()
