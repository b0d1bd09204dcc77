"""Cancelling a report, running or not."""

import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from services.report import clerk
from services.report.runs.sql import SqlRuns
from shared.testing import eventually
from tests.support.report_service import BATCH, COUNTING, LIST, Office, objects_in, office_at, rows, write_type
from tests.support.worker import Station, depth


@pytest.fixture
async def office(station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
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
    async with office_at(station, tmp_path / "data", types) as office:
        yield office


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
    return [child for child in psutil.Process().children() if "services.report.child" in child.cmdline()]


async def test_a_running_report_is_stopped_at_the_next_look_and_leaves_nothing(
    station: Station, office: Office, tmp_path: Path, looks: list[str]
) -> None:
    async with office.running(station):
        await office.order("unwanted", "endless")
        await office.told("report.progress")
        assert children()
        await office.cancel("unwanted")
        await office.state("unwanted", "cancelled")
        [cancelled_event] = await office.told("report.cancelled")
        await eventually(lambda: not children())

        await office.order("wanted", rows=rows(2))  # the service goes on
        [ready] = await office.told("report.ready")

    since = looks[looks.index("cancelled") :]
    assert since.index("stops") <= 2  # one look may have begun before the wish and be answered after it
    assert clerk.LOOK_SECONDS <= 1
    assert (cancelled_event["id"], cancelled_event["type"]) == ("unwanted", "endless")
    assert ready["id"] == "wanted"
    assert len(objects_in(office.storage)) == 1
    assert [name for name in os.listdir(tmp_path) if name.startswith("postroom-report-")] == []  # noqa: PTH208
    for queue in ("report.generate", "report.generate.dead", "report.cancel.dead"):
        assert await depth(office.channel, queue) == 0


async def test_documents_of_a_cancelled_batch_are_removed(station: Station, office: Office) -> None:
    async with office.running(station):
        await office.order("half", "batch")
        await eventually(lambda: len(objects_in(office.storage)) > 3)
        await office.cancel("half")
        await office.state("half", "cancelled")

    assert objects_in(office.storage) == {}


async def test_a_report_that_is_cancelled_before_it_begins_is_not_begun(station: Station, office: Office) -> None:
    async with office.running(station):
        await office.cancel("early")
        await cancelled(office)
        await office.order("early", rows=rows(1))
        await office.state("early", "cancelled")
        await office.order("other", rows=rows(1))
        await office.told("report.ready")

    assert [each["id"] for each in office.heard["report.ready"]] == ["other"]


async def test_a_report_that_is_done_stays(station: Station, office: Office) -> None:
    async with office.running(station):
        await office.order("done", rows=rows(1))
        await office.told("report.ready")
        await office.cancel("done")
        await cancelled(office)
        run = await office.state("done", "done")

    assert run["state"] == "done"
    assert len(objects_in(office.storage)) == 1


async def cancelled(office: Office) -> None:
    """Wait until the service has taken the wish."""

    async def is_taken() -> Any:
        return await depth(office.channel, "report.cancel") == 0

    await eventually(is_taken)
