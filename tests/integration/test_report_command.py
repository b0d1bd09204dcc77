"""`postroom report` and `postroom cancel` as a person and a script use them."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from postroom import terminal
from postroom.operator.cli import app
from postroom.wire.errors import ConfigurationError
from postroom_report.cli import read_rows
from tests.support.processes import running
from tests.support.report_service import COUNTING, LIST, ReportHarness, read_csv, report_harness_at, rows, write_type
from tests.support.worker import WorkerVhost

Postroom = Callable[..., Any]


@pytest.fixture
def types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "types"
    write_type(folder, "list", **LIST, parameters={"day": {"type": "date", "default": "yesterday"}, "who": {}})
    sqlite3.connect(tmp_path / "shop.sqlite3").execute("PRAGMA journal_mode = WAL").connection.close()
    endless = {"database": "shop", "query": COUNTING.format(rows=1_000_000_000)}
    write_type(folder, "endless", **LIST, rows=endless)
    monkeypatch.setenv("REPORT_TYPES_DIR", str(folder))
    monkeypatch.setenv("REPORT_DATABASES", f"shop=sqlite:///{tmp_path}/shop.sqlite3")
    monkeypatch.setenv("POSTROOM_DATA_DIR", str(tmp_path / "data"))
    return folder


@pytest.fixture
async def report_harness(worker_vhost: WorkerVhost, tmp_path: Path, types: Path) -> AsyncIterator[ReportHarness]:
    async with (
        report_harness_at(worker_vhost, tmp_path / "data", types) as report_harness,
        report_harness.running(worker_vhost),
    ):
        yield report_harness


@pytest.fixture
def postroom(worker_vhost: WorkerVhost, monkeypatch: pytest.MonkeyPatch) -> Postroom:
    monkeypatch.setenv("POSTROOM_AMQP_URL", worker_vhost.vhost.amqp_url)
    monkeypatch.setattr(terminal.out, "width", 200)

    async def run(*arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, [*arguments])

    return run


@pytest.fixture
def rows_file(tmp_path: Path) -> str:
    file = tmp_path / "rows.json"
    file.write_text(json.dumps(rows(3)))
    return str(file)


async def test_a_report_is_made_and_its_file_is_named(
    report_harness: ReportHarness, postroom: Postroom, rows_file: str
) -> None:
    result = await postroom("report", "list", "--format", "csv", "--rows", rows_file, "--parameter", "day=2026-01-31")

    assert result.exit_code == 0, result.output
    path = Path(result.stdout.strip().splitlines()[0])
    assert path.is_relative_to(report_harness.storage)
    assert read_csv(path)[-1] == ["2", "name 2"]


async def test_a_program_gets_the_event_as_json(
    report_harness: ReportHarness, postroom: Postroom, rows_file: str
) -> None:
    result = await postroom("report", "list", "--format", "json", "--rows", rows_file, "--json")

    assert json.loads(result.stdout)["rows"] == 3
    assert json.loads(result.stdout)["url"].startswith("file://")


async def test_a_report_that_fails_says_why_and_where_it_waits(
    report_harness: ReportHarness, postroom: Postroom
) -> None:
    result = await postroom("report", "nothing-of-that-name")

    assert result.exit_code == 1
    assert "UnknownReportType" in result.stderr
    assert "postroom dead replay report.generate.dead --id" in " ".join(result.stderr.split())


async def test_a_cancelled_report_ends_the_command_that_waits_for_it(
    report_harness: ReportHarness, postroom: Postroom
) -> None:
    waiting = asyncio.ensure_future(postroom("report", "endless", "--format", "csv"))
    [progress, *_] = await report_harness.published("report.progress")
    cancelled = await postroom("cancel", progress["id"])
    result = await waiting

    assert cancelled.exit_code == 0
    assert result.exit_code == 1
    assert "cancelled" in result.stderr


async def test_ctrl_c_cancels_the_report(report_harness: ReportHarness, worker_vhost: WorkerVhost) -> None:
    command = subprocess.Popen(  # noqa: ASYNC220 - it is short
        [sys.executable, "-m", "postroom.operator.cli", "report", "endless", "--format", "csv"],
        env={**os.environ, "POSTROOM_AMQP_URL": worker_vhost.vhost.amqp_url},
        stderr=subprocess.PIPE,
    )
    with running(command):
        [progress, *_] = await report_harness.published("report.progress")
        command.send_signal(signal.SIGINT)
        _, said = await asyncio.to_thread(command.communicate)
    run = await report_harness.state(progress["id"], "cancelled")

    assert run["state"] == "cancelled"
    assert command.returncode == 130
    assert f"report {progress['id']} is cancelled" in " ".join(said.decode().split())


async def test_types_are_listed_with_their_parameters(types: Path, postroom: Postroom) -> None:
    write_type(types, "broken", nonsense=1)
    result = await postroom("report", "types", "--json")
    found = {each["type"]: each for each in json.loads(result.stdout)}

    assert {"list", "table", "invoice", "daily-user-report"} <= found.keys()
    assert [each["name"] for each in found["list"]["parameters"]] == ["day", "who"]
    assert "broken/report.yaml" in found["broken"]["error"]
    assert result.exit_code == 1


async def test_a_preview_needs_no_broker(types: Path, postroom: Postroom, rows_file: str, tmp_path: Path) -> None:
    result = await postroom("report", "preview", "list", "--rows", rows_file, "--folder", str(tmp_path / "pages"))

    assert result.exit_code == 0, result.output
    [page] = result.stdout.split()
    assert await asyncio.to_thread(Path(page).stat)


async def test_without_a_broker_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, postroom: Postroom) -> None:
    monkeypatch.setenv("POSTROOM_AMQP_URL", "amqp://user:canary@127.0.0.1:1/")
    result = await postroom("report", "list")

    assert result.exit_code == 3
    assert "postroom up" in result.stderr
    assert "canary" not in result.output


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.json", '[{"n": 1}, {"n": 2}]', [{"n": 1}, {"n": 2}]),
        ("a.jsonl", '{"n": 1}\n{"n": 2}\n', [{"n": 1}, {"n": 2}]),
        ("a.csv", '\ufeffn,name\r\n1,"a ""b"",\nc"\r\n', [{"n": "1", "name": 'a "b",\nc'}]),
    ],
)
def test_rows_are_read_from_a_file(tmp_path: Path, name: str, content: str, expected: object) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8", newline="")

    assert read_rows(tmp_path / name) == expected


def test_a_file_without_rows_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    for file in (tmp_path / "a.json", tmp_path / "missing.json"):
        with pytest.raises(ConfigurationError, match=file.name):
            read_rows(file)
