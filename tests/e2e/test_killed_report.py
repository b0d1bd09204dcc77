"""A report service that is killed in the middle: another one finishes its reports, and each document is made once."""

import asyncio
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil

from postroom import wire
from postroom.testing import eventually
from postroom_report.handlers import worker
from tests.support.crash import Place, processes
from tests.support.patience import WORK
from tests.support.report_service import BATCH, COUNTING, LIST, objects_in, path_of, read_csv, write_type

ENDLESS = 1_000_000_000
MORE_PARTS = 100
COUNTING_TO = COUNTING.replace("{rows}", "(SELECT rows FROM size)")


def modified(folder: Path) -> Mapping[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.glob("batch/*/*/*.csv")}


def runs(data: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(data / "report.sqlite3", timeout=10)) as connection:
        return {row[0]: row[1:] for row in connection.execute("SELECT job_id, state, rows, url FROM report_runs")}


def set_size(tmp_path: Path, rows: int) -> None:
    """How many rows the queries give from now on: neither report comes to its end before the first worker is killed."""
    with closing(sqlite3.connect(tmp_path / "shop.sqlite3", timeout=10)) as connection, connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE IF NOT EXISTS size (rows INTEGER)")
        connection.execute("DELETE FROM size")
        connection.execute("INSERT INTO size VALUES (?)", (rows,))


async def test_another_worker_finishes_what_a_killed_one_began(
    place: Place, environment: dict[str, str], tmp_path: Path
) -> None:
    set_size(tmp_path, ENDLESS)
    counted = {"database": "shop", "query": COUNTING_TO}
    write_type(tmp_path / "types", "long", **LIST, rows=counted)
    parts = {"database": "shop", "query": COUNTING_TO.replace("'x'", "'part ' || n")}
    write_type(tmp_path / "types", "batch", **BATCH, rows=parts)
    place.prepare(worker)
    data = Path(environment["POSTROOM_DATA_DIR"])
    storage, temporary = data / "reports", tmp_path / "tmp"
    await asyncio.to_thread(temporary.mkdir)
    own = {
        **environment,
        **place.environment,
        "REPORT_TYPES_DIR": str(tmp_path / "types"),
        "REPORT_DATABASES": f"shop=sqlite:///{tmp_path}/shop.sqlite3",
        "TMPDIR": str(temporary),
    }

    async def order(kind: str, **fields: Any) -> None:
        body = {"type": kind, "initiatedBy": "test", "format": "csv", **fields}
        await place.publish(wire.JOBS, "report.generate", json.dumps(body).encode(), kind)

    with processes("postroom_report", own, tmp_path, 1) as [victim]:
        await victim.ready()
        await order("batch")
        await order("long")
        await eventually(lambda: len(modified(storage)) > 10 and runs(data).get("long", ("", 0))[1] > 0, within=WORK)
        children = psutil.Process(victim.pid).children()
        victim.kill()
        made_before = dict(modified(storage))
    assert runs(data)["long"][0] == runs(data)["batch"][0] == "running"
    await eventually(lambda: not any(child.is_running() for child in children))
    parts_in_all = len(made_before) + MORE_PARTS
    set_size(tmp_path, parts_in_all)

    with processes("postroom_report", own, tmp_path / "types", 1) as [survivor]:
        await eventually(lambda: {run[0] for run in runs(data).values()} == {"done"}, within=WORK)
        survivor.stop()

    made = modified(storage)
    assert made.items() >= made_before.items() - last_of(made_before)
    assert len(made) == parts_in_all
    assert len(objects_in(storage)) == parts_in_all + 2  # the index, and the long one
    assert len(read_csv(path_of(runs(data)["long"][2]))) == parts_in_all + 1
    index = json.loads(path_of(runs(data)["batch"][2]).read_text())
    assert len({entry["part"] for entry in index["documents"]}) == parts_in_all
    assert list(temporary.iterdir()) == []


def last_of(made: Mapping[Path, int]) -> set[tuple[Path, int]]:
    """The document that was stored, and perhaps not yet entered, when the worker died: it may be made again."""
    return {max(made.items(), key=lambda entry: entry[1])}
