"""Reports to be made in tests, without a service around them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from postroom.wire.messages.report import GenerateReport
from postroom_report.layout import Layout
from postroom_report.parameters import make_layout
from postroom_report.registry import FILE, shipped_types
from postroom_report.render_request import RenderRequest

MOMENT = datetime(2026, 3, 29, 2, 0, tzinfo=UTC)


def make_order(folder: Path, job: dict[str, Any], **changes: Any) -> RenderRequest:
    """An order for that job; the types in `folder` stand before the shipped ones."""
    report = GenerateReport.model_validate({"type": "table", "initiatedBy": "test"} | job)
    known = {"job": report, "moment": MOMENT, "type_folders": [folder, shipped_types()], "folder": folder}
    return RenderRequest(**known | changes)


def layout_for(folder: Path, definition: dict[str, Any] | None = None, **job: Any) -> Layout:
    """The layout of a type of one's own with that definition, or of the job's type."""
    if definition is not None:
        (folder / "own").mkdir(exist_ok=True)
        (folder / "own" / FILE).write_text(yaml.safe_dump({"title": "Own"} | definition, allow_unicode=True))
        job = {"type": "own"} | job
    return make_layout(make_order(folder, job))
