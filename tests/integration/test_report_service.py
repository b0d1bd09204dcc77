"""The report service on a real broker: from a message to an object, an event and a mail."""

import asyncio
import hashlib
import json
import resource
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from postroom import wire
from postroom_report import report_service
from tests.support.blocking import loop_watched
from tests.support.report_service import (
    BATCH,
    COUNTING,
    LIST,
    ReportHarness,
    objects_in,
    path_of,
    read_csv,
    report_harness_running,
    rows,
    write_type,
)
from tests.support.worker import WorkerVhost, publish


@pytest.fixture
def types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "types"
    write_type(folder, "list", **LIST)
    write_type(folder, "batch", **BATCH)
    database = tmp_path / "shop.sqlite3"
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    for name, count in (("counting", 200_000), ("counting-less", 60_000)):
        write_type(folder, name, **LIST, rows={"database": "shop", "query": COUNTING.format(rows=count)})
    monkeypatch.setenv("REPORT_TYPES_DIR", str(folder))
    monkeypatch.setenv("REPORT_DATABASES", f"shop=sqlite+aiosqlite:///{database}")
    return folder


@pytest.fixture
async def report_harness(worker_vhost: WorkerVhost, tmp_path: Path, types: Path) -> AsyncIterator[ReportHarness]:
    async with report_harness_running(worker_vhost, tmp_path / "data", types) as (report_harness, _service):
        yield report_harness


async def test_a_report_is_stored_and_told(report_harness: ReportHarness) -> None:
    await report_harness.order("r-1", rows=rows(3))
    [ready] = await report_harness.published("report.ready")
    run = await report_harness.state("r-1", "done")

    path = path_of(ready["url"])
    assert read_csv(path)[1:] == [["0", "name 0"], ["1", "name 1"], ["2", "name 2"]]
    assert (ready["id"], ready["type"], ready["format"], ready["rows"]) == ("r-1", "list", "csv", 3)
    assert ready["bytes"] == path.stat().st_size == run["bytes"]
    assert run["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (run["url"], run["error"], run["documents"]) == (ready["url"], None, 1)
    assert run["expires_at"] > run["finished_at"]
    assert list(objects_in(report_harness.storage)) == [str(path.relative_to(report_harness.storage))]


async def test_what_somebody_calls_a_report_or_a_job_is_never_a_path(
    report_harness: ReportHarness, types: Path
) -> None:
    write_type(types, "named", **LIST | {"file_name": "../../{who}"}, parameters={"who": {}})
    await report_harness.order(
        "../../../tmp/x", "named", rows=rows(1), parameters={"who": "/etc/passwd\n.."}, email_to="a@b.example"
    )
    await report_harness.order("evil", "../list", rows=rows(1))
    [ready] = await report_harness.published("report.ready")
    letter = await report_harness.dead_letter()
    [mail] = await report_harness.published("email.send")

    assert path_of(ready["url"]).is_relative_to(report_harness.storage / "named")
    assert len(objects_in(report_harness.storage)) == 1
    assert letter["x-error-type"] == "UnknownReportType"
    assert "batch, counting" in letter["x-error"]
    assert "/" not in mail["attachments"][0]["filename"]


async def test_a_small_report_is_attached_to_the_mail(report_harness: ReportHarness) -> None:
    await report_harness.order("mailed", rows=rows(2), email_to=["ada@example.com"], parameters={"locale": "de"})
    [mail] = await report_harness.published("email.send")
    [ready] = await report_harness.published("report.ready")

    assert (mail["to"], mail["template"], mail["locale"]) == (["ada@example.com"], "report-ready", "de")
    assert mail["context"] == {"type": "A list", "format": "csv", "rows": 2, "bytes": ready["bytes"]}
    assert mail["attachments"] == [{"filename": "A list.csv", "content_type": "text/csv", "url": ready["url"]}]


async def test_a_large_report_is_named_in_the_mail(
    worker_vhost: WorkerVhost, tmp_path: Path, types: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORT_ATTACH_LIMIT_BYTES", "10")
    async with report_harness_running(worker_vhost, tmp_path / "data", types) as (report_harness, _service):
        await report_harness.order("large", rows=rows(20), email_to="ada@example.com")
        [mail] = await report_harness.published("email.send")
        [ready] = await report_harness.published("report.ready")

    assert mail["context"]["place"] == ready["url"]
    assert "attachments" not in mail or mail["attachments"] == []


async def test_the_same_job_again_gives_the_same_object_and_the_same_messages(
    worker_vhost: WorkerVhost, tmp_path: Path, types: Path
) -> None:
    async def once() -> tuple[dict[str, int], str, str, Path]:
        async with report_harness_running(worker_vhost, tmp_path / "data", types) as (report_harness, _service):
            with sqlite3.connect(tmp_path / "data" / "report.sqlite3") as connection:
                connection.execute("DELETE FROM inbox")  # so that the second is taken for new
            connection.close()
            await report_harness.order("again", rows=rows(3), email_to="ada@example.com")
            [ready], [mail] = (
                await report_harness.published("report.ready"),
                await report_harness.published("email.send"),
            )
            return objects_in(report_harness.storage), ready["_id"], mail["_id"], path_of(ready["url"])

    first = await once()
    await asyncio.to_thread(first[3].unlink)

    assert await once() == first
    assert len(first[0]) == 1


async def test_a_batch_makes_each_document_once_and_lists_them(report_harness: ReportHarness) -> None:
    some = [{"n": n, "name": f"../{name}"} for name in ("b", "a") for n in range(2)]
    await report_harness.order("batch-1", "batch", rows=some)
    [ready] = await report_harness.published("report.ready")

    index = json.loads(path_of(ready["url"]).read_text())
    assert [entry["part"] for entry in index["documents"]] == ["../a", "../b"]
    assert ready["rows"] == 4
    for entry in index["documents"]:
        path = path_of(entry["url"])
        assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"]
        assert [line[1] for line in read_csv(path)[1:]] == [entry["part"]] * 2
    assert len(objects_in(report_harness.storage)) == 3


async def test_the_moment_of_a_report_is_the_schedules(report_harness: ReportHarness, types: Path) -> None:
    write_type(
        types, "daily", **LIST | {"title": "Of {day}"}, parameters={"day": {"type": "date", "default": "yesterday"}}
    )
    body = {"type": "daily", "initiatedBy": "scheduler", "format": "csv", "rows": rows(1), "email_to": "a@b.example"}
    headers = {"x-fire-time": "2026-03-01T01:00:00+00:00"}
    await publish(report_harness.channel, wire.JOBS, "report.generate", body, message_id="tick", headers=headers)
    [ready] = await report_harness.published("report.ready")
    [mail] = await report_harness.published("email.send")

    assert "/daily/2026-03/" in ready["url"]
    assert mail["context"]["type"] == "Of February 28, 2026"


@pytest.mark.parametrize(
    ("fields", "kind", "reason"),
    [
        ({"rows": [{"n": "x", "name": "y"}]}, "InvalidRows", "n"),
        ({}, "InvalidMessage", "rows"),
        ({"rows": [], "parameters": {"nobody": 1}}, "InvalidParameter", "parameters.nobody"),
    ],
)
async def test_what_can_never_work_is_a_dead_letter_at_once(
    report_harness: ReportHarness, fields: dict[str, Any], kind: str, reason: str
) -> None:
    await report_harness.order(f"bad-{kind}", **fields)
    letter = await report_harness.dead_letter()
    run = await report_harness.state(f"bad-{kind}", "failed")

    assert letter["x-error-type"] == kind
    assert reason in letter["x-error"]
    assert kind in run["error"]
    assert not objects_in(report_harness.storage)


async def test_a_long_report_tells_its_progress_and_never_blocks_the_loop(report_harness: ReportHarness) -> None:
    began, loop = children_seconds(), asyncio.get_running_loop()
    with loop_watched() as watch:
        ordered_at = loop.time()
        await report_harness.order("long", "counting")
        [ready] = await report_harness.published("report.ready")
        took = loop.time() - ordered_at
    run = await report_harness.run_of("long")
    progress = report_harness.received.get("report.progress", [])

    assert ready["rows"] == run["rows"] == 200_000
    assert progress
    assert [each["rows"] for each in progress] == sorted({each["rows"] for each in progress})
    assert len(progress) <= took / report_service.PROGRESS_SECONDS + 1
    assert watch.waits == []
    # What computes is the child. The loop's longest callback is some thousandth of that, on any machine.
    assert watch.most_seconds < (children_seconds() - began) / 100, watch.longest


async def test_progress_is_told_once_in_its_time_however_often_it_is_looked_at(
    report_harness: ReportHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_service, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(report_service, "PROGRESS_SECONDS", 3600.0)
    await report_harness.order("long", "counting-less")
    await report_harness.published("report.ready")
    assert len(report_harness.received["report.progress"]) == 1

    monkeypatch.setattr(report_service, "PROGRESS_SECONDS", 0.0)
    await report_harness.order("longer", "counting-less")
    await report_harness.published("report.ready", 2)
    assert len(report_harness.received["report.progress"]) > 1 + 1  # the one of before, and more than one


def children_seconds() -> float:
    """Processor time of the processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
