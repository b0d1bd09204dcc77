"""Cancelling a report, running or not."""

import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from postroom.testing import eventually
from postroom_report import report_service
from postroom_report.runs.sql import SqlRuns
from tests.support.report_service import (
    BATCH,
    COUNTING,
    LIST,
    ReportHarness,
    objects_in,
    report_harness_at,
    rows,
    write_type,
)
from tests.support.worker import WorkerVhost, depth


@pytest.fixture
async def report_harness(
    worker_vhost: WorkerVhost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ReportHarness]:
    types = tmp_path / "types"
    sqlite3.connect(tmp_path / "shop.sqlite3").execute("PRAGMA journal_mode = WAL").connection.close()
    endless = {"database": "shop", "query": COUNTING.format(rows=1_000_000_000)}
    write_type(types, "list", **LIST)
    write_type(types, "endless", **LIST, rows=endless)
    batch = endless | {"query": endless["query"].replace("'x'", "'part ' || n")}
    write_type(types, "batch", **BATCH, rows=batch)
    monkeypatch.setenv("REPORT_TYPES_DIR", str(types))
    monkeypatch.setenv("REPORT_DATABASES", f"shop=sqlite:///{tmp_path}/shop.sqlite3")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    async with report_harness_at(worker_vhost, tmp_path / "data", types) as report_harness:
        yield report_harness


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the service was answered when it looked after a report, and when somebody had it cancelled."""
    seen: list[str] = []
    note, cancel = SqlRuns.note, SqlRuns.cancel

    async def noted(self: SqlRuns, *arguments: Any) -> bool:
        is_unwanted = await note(self, *arguments)
        seen.append("stops" if is_unwanted else "goes on")
        return is_unwanted

    async def cancelled(self: SqlRuns, job_id: str) -> None:
        await cancel(self, job_id)
        seen.append("cancelled")

    monkeypatch.setattr(SqlRuns, "note", noted)
    monkeypatch.setattr(SqlRuns, "cancel", cancelled)
    return seen


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "postroom_report.child" in child.cmdline()]


async def test_a_running_report_is_stopped_at_the_next_look_and_leaves_nothing(
    worker_vhost: WorkerVhost, report_harness: ReportHarness, tmp_path: Path, looks: list[str]
) -> None:
    async with report_harness.running(worker_vhost):
        await report_harness.order("unwanted", "endless")
        await report_harness.published("report.progress")
        assert children()
        await report_harness.cancel("unwanted")
        await report_harness.state("unwanted", "cancelled")
        [cancelled_event] = await report_harness.published("report.cancelled")
        await eventually(lambda: not children())

        await report_harness.order("wanted", rows=rows(2))  # the service goes on
        [ready] = await report_harness.published("report.ready")

    since = looks[looks.index("cancelled") :]
    assert since.index("stops") <= 2  # one look may have begun before the wish and be answered after it
    assert report_service.POLL_SECONDS <= 1
    assert (cancelled_event["id"], cancelled_event["type"]) == ("unwanted", "endless")
    assert ready["id"] == "wanted"
    assert len(objects_in(report_harness.storage)) == 1
    assert [name for name in os.listdir(tmp_path) if name.startswith("postroom-report-")] == []  # noqa: PTH208
    for queue in ("report.generate", "report.generate.dead", "report.cancel.dead"):
        assert await depth(report_harness.channel, queue) == 0


async def test_documents_of_a_cancelled_batch_are_removed(
    worker_vhost: WorkerVhost, report_harness: ReportHarness
) -> None:
    async with report_harness.running(worker_vhost):
        await report_harness.order("half", "batch")
        await eventually(lambda: len(objects_in(report_harness.storage)) > 3)
        await report_harness.cancel("half")
        await report_harness.state("half", "cancelled")

    assert objects_in(report_harness.storage) == {}


async def test_a_report_that_is_cancelled_before_it_begins_is_not_begun(
    worker_vhost: WorkerVhost, report_harness: ReportHarness
) -> None:
    async with report_harness.running(worker_vhost):
        await report_harness.cancel("early")
        await cancelled(report_harness)
        await report_harness.order("early", rows=rows(1))
        await report_harness.state("early", "cancelled")
        await report_harness.order("other", rows=rows(1))
        await report_harness.published("report.ready")

    assert [each["id"] for each in report_harness.received["report.ready"]] == ["other"]


async def test_a_report_that_is_done_stays(worker_vhost: WorkerVhost, report_harness: ReportHarness) -> None:
    async with report_harness.running(worker_vhost):
        await report_harness.order("done", rows=rows(1))
        await report_harness.published("report.ready")
        await report_harness.cancel("done")
        await cancelled(report_harness)
        run = await report_harness.state("done", "done")

    assert run["state"] == "done"
    assert len(objects_in(report_harness.storage)) == 1


async def cancelled(report_harness: ReportHarness) -> None:
    """Wait until the service has taken the wish."""

    async def is_taken() -> Any:
        return await depth(report_harness.channel, "report.cancel") == 0

    await eventually(is_taken)
