"""What `python -m postroom_report` does for the command line: `types`, and `preview FOLDER`. It answers with JSON."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from postroom.settings import RuntimeSettings, read_settings
from postroom.wire.messages import GenerateReport
from postroom_report.definition import Definition
from postroom_report.errors import BrokenReportType
from postroom_report.layout import Row
from postroom_report.planning import Planner
from postroom_report.registry import ReportTypes
from postroom_report.settings import ReportSettings
from postroom_report.sources import open_rows
from postroom_report.tabulation import tabulate


def answer(arguments: Sequence[str], given: bytes) -> Any:
    """Do what the arguments say: `types`, or `preview FOLDER` with a report.generate message."""
    planner = Planner(read_settings(ReportSettings), read_settings(RuntimeSettings))
    match arguments:
        case ["types"]:
            return _types(ReportTypes(planner.folders))
        case ["preview", folder]:
            job = GenerateReport.model_validate_json(given)
            return _preview(planner, job, Path(folder))
    return {"error": "use: types, or preview FOLDER"}


def _types(types: ReportTypes) -> list[dict[str, Any]]:
    return [_described(types, name) for name in types.names()]


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


def _preview(planner: Planner, job: GenerateReport, folder: Path) -> dict[str, Any]:
    from postroom_report.invoices import calculate_invoices  # noqa: PLC0415 - only here
    from postroom_report.rendering.pdf import preview  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    plan = asyncio.run(planner.plan(job.model_copy(update={"format": "pdf"}), "preview", datetime.now(UTC)))
    definition = plan.layout.definition
    with open_rows(plan.layout, plan.order) as rows:
        calculated: Iterable[Row] = calculate_invoices(rows) if definition.calculation == "invoice" else rows
        if definition.each is not None:  # the first document of a batch
            calculated = _first_part(calculated, definition.each)
        pages = preview(tabulate(plan.layout, calculated), folder)
    return {"pages": [str(page) for page in pages]}


def _first_part(rows: Iterable[Row], column: str) -> Iterable[Row]:
    for _part, some in groupby(rows, key=lambda row: row.get(column)):
        return some
    return ()
