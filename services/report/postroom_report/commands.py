"""What `python -m services.report` does for the command line: `types`, and `preview FOLDER`. It answers with JSON."""

import asyncio
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from postroom.runtime.answering import answer
from postroom.settings import RuntimeSettings, read_settings
from postroom.wire.messages import GenerateReport
from services.report.definition import Definition
from services.report.errors import BrokenReportType
from services.report.layout import Row
from services.report.planning import Planner
from services.report.registry import ReportTypes
from services.report.settings import ReportSettings
from services.report.sources import open_rows
from services.report.tabulation import tabulate


def main(arguments: list[str]) -> None:
    """Do what the arguments say: `types`, or `preview FOLDER` with a report.generate message on standard input."""
    answer(lambda: _answer(arguments))


def _answer(arguments: list[str]) -> Any:
    planner = Planner(read_settings(ReportSettings), read_settings(RuntimeSettings))
    match arguments:
        case ["types"]:
            return _types(ReportTypes(planner.folders))
        case ["preview", folder]:
            job = GenerateReport.model_validate_json(sys.stdin.buffer.read())
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
    from services.report.invoices import calculate_invoices  # noqa: PLC0415 - only here
    from services.report.rendering.pdf import preview  # noqa: PLC0415

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
