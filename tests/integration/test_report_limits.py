"""The processes that make reports: what they may use, what they know, and how they end."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from postroom.testing import eventually
from postroom.wire.errors import TemporaryFailure
from postroom_report.errors import BrokenReportType, InvalidRows, LimitExceeded
from postroom_report.layout import Document, RenderProgress
from postroom_report.render_process import RenderLimits, RenderProcess
from postroom_report.work_folder import open_work_folder
from tests.support.patience import WORK, seconds
from tests.support.processes import running
from tests.support.report_service import BATCH, COUNTING, LIST, make_order, read_csv, rows, write_type

GENEROUS = RenderLimits(memory_mib=1024, seconds=seconds(WORK))


@pytest.fixture
def types(tmp_path: Path) -> Path:
    folder = tmp_path / "types"
    write_type(folder, "list", **LIST)
    write_type(folder, "batch", **BATCH)
    sqlite3.connect(tmp_path / "shop.sqlite3").execute("PRAGMA journal_mode = WAL").connection.close()
    endless = {"database": "shop", "query": COUNTING.format(rows=1_000_000_000)}
    write_type(folder, "endless", **LIST, rows=endless)
    hungry = {"database": "shop", "query": "SELECT 1 AS n, hex(zeroblob(200000000)) AS name"}
    write_type(folder, "hungry", **LIST, rows=hungry)
    return folder


class Taker:
    """Keeps documents and progress."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.progress = RenderProgress()

    async def take(self, document: Document) -> None:
        assert document.path.exists()
        self.documents.append(document)

    def told(self, progress: RenderProgress) -> None:
        self.progress = progress


def processes() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "postroom_report.child" in child.cmdline()]


async def test_a_report_is_made_in_a_process_that_ends(types: Path, tmp_path: Path) -> None:
    taker = Taker()
    await RenderProcess(GENEROUS, 1).make(
        make_order(types, tmp_path / "work", job={"rows": rows(2)}), taker.told, taker.take
    )

    [document] = taker.documents
    assert read_csv(document.path)[1:] == [["0", "name 0"], ["1", "name 1"]]
    assert (document.rows, taker.progress.documents) == (2, 1)
    assert processes() == []


async def test_a_document_is_made_when_the_one_before_was_taken(types: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    work = tmp_path / "work"

    async def take(document: Document) -> None:
        await asyncio.sleep(0.05)
        seen.append(len(list(work.glob("*.csv"))))
        document.path.unlink()

    await RenderProcess(GENEROUS, 1).make(make_order(types, work, "batch", job={"rows": rows(4)}), Taker().told, take)

    assert seen == [1, 1, 1, 1]


async def test_parts_that_are_done_are_not_made_again(types: Path, tmp_path: Path) -> None:
    taker = Taker()
    order = make_order(types, tmp_path / "work", "batch", job={"rows": rows(3)}, done_parts={"name 0", "name 2"})
    await RenderProcess(GENEROUS, 1).make(order, taker.told, taker.take)

    assert [document.part for document in taker.documents] == ["name 1"]


async def test_an_endless_report_fails_with_its_reason(types: Path, tmp_path: Path) -> None:
    order = make_order(types, tmp_path / "work", "endless", database_url=f"sqlite:///{tmp_path}/shop.sqlite3")
    with pytest.raises(LimitExceeded, match=r"more than 2 s.*REPORT_TIME_LIMIT_SECONDS"):
        await RenderProcess(RenderLimits(1024, 2), 1).make(order, Taker().told, Taker().take)

    assert processes() == []  # its query never ends by itself


async def test_a_report_that_eats_memory_fails_with_its_reason(types: Path, tmp_path: Path) -> None:
    order = make_order(types, tmp_path / "work", "hungry", database_url=f"sqlite:///{tmp_path}/shop.sqlite3")
    with pytest.raises(LimitExceeded, match=r"more than 300 MiB of memory.*REPORT_MEMORY_MIB"):
        await RenderProcess(RenderLimits(300, seconds(WORK)), 1).make(order, Taker().told, Taker().take)


async def test_a_template_that_never_ends_or_eats_memory_fails_that_one_report(types: Path, tmp_path: Path) -> None:
    write_type(types, "spinning", **LIST | {"template": "spin.typ"})
    (types / "spinning" / "spin.typ").write_text("#let n = 0\n#while true { n += 1; if n > 900 { n = 0 } }\n")
    write_type(types, "growing", **LIST | {"template": "grow.typ"})
    (types / "growing" / "grow.typ").write_text('#let text = "x"\n#for n in range(60) { text = text + text }\n#text\n')

    async def fate(kind: str, limits: RenderLimits) -> str:
        order = make_order(types, tmp_path / kind, kind, job={"rows": rows(1), "format": "pdf"})
        try:
            await RenderProcess(limits, 1).make(order, Taker().told, Taker().take)
        except (LimitExceeded, BrokenReportType) as error:
            return f"{type(error).__name__}: {error}"
        return "made"

    fates = await asyncio.gather(
        fate("spinning", RenderLimits(400, 5)), fate("growing", RenderLimits(400, seconds(WORK)))
    )

    assert [each.partition(":")[0] != "made" for each in fates] == [True, True], fates
    assert "more than 400 MiB" in fates[1]
    assert processes() == []


async def test_an_error_of_the_child_is_raised_here(types: Path, tmp_path: Path) -> None:
    order = make_order(types, tmp_path / "work", job={"rows": [{"n": "secret", "name": "x"}]})
    with pytest.raises(InvalidRows, match="n") as caught:
        await RenderProcess(GENEROUS, 1).make(order, Taker().told, Taker().take)

    assert "secret" not in str(caught.value)


async def test_what_taking_a_document_raises_is_raised_here(types: Path, tmp_path: Path) -> None:
    async def take(_document: Document) -> None:
        raise ConnectionRefusedError("the runs' database")

    with pytest.raises(ConnectionRefusedError, match="the runs' database"):
        await RenderProcess(GENEROUS, 1).make(
            make_order(types, tmp_path / "work", job={"rows": rows(1)}), Taker().told, take
        )

    assert processes() == []


async def test_relative_paths_of_the_settings_mean_the_same_in_the_process(
    types: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_type(types, "few", **LIST, rows={"database": "shop", "query": COUNTING.format(rows=3)})
    monkeypatch.chdir(tmp_path)
    taker = Taker()
    order = make_order(Path("types"), tmp_path / "work", "few", database_url="sqlite:///shop.sqlite3")
    await RenderProcess(GENEROUS, 1).make(order, taker.told, taker.take)

    assert [document.rows for document in taker.documents] == [3]


async def test_a_cancelled_report_leaves_no_process(types: Path, tmp_path: Path) -> None:
    order = make_order(types, tmp_path / "work", "endless", database_url=f"sqlite:///{tmp_path}/shop.sqlite3")
    taker = Taker()
    making = asyncio.ensure_future(RenderProcess(GENEROUS, 1).make(order, taker.told, taker.take))
    await eventually(lambda: taker.progress.rows > 0, within=WORK)
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making

    assert processes() == []


async def test_a_killed_process_is_a_failure_that_may_pass(types: Path, tmp_path: Path) -> None:
    order = make_order(types, tmp_path / "work", "endless", database_url=f"sqlite:///{tmp_path}/shop.sqlite3")
    taker = Taker()
    making = asyncio.ensure_future(RenderProcess(GENEROUS, 1).make(order, taker.told, taker.take))
    await eventually(lambda: taker.progress.rows > 0, within=WORK)
    processes()[0].kill()

    with pytest.raises(TemporaryFailure, match="signal 9"):
        await making


async def test_the_process_knows_no_secrets(types: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORT_DATABASES", "shop=postgresql://u:canary@h/d")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    url = f"sqlite:///{tmp_path}/shop.sqlite3?canary=1"
    taker = Taker()
    order = make_order(types, tmp_path / "work", "endless", database_url=url)
    making = asyncio.ensure_future(RenderProcess(GENEROUS, 1).make(order, taker.told, taker.take))
    await eventually(lambda: taker.progress.rows > 0, within=WORK)
    [child] = processes()
    variables, visible = set(child.environ()), f"{child.environ()} {child.cmdline()}"
    making.cancel()
    await asyncio.wait([making])

    assert "canary" not in visible
    assert variables <= {"PYTHONPATH", "PYTHONUTF8", "TMPDIR", "LC_CTYPE"}


PARENT = """
import asyncio, sys
from pathlib import Path
from postroom_report.render_process import RenderLimits, RenderProcess
from tests.support.report_service import make_order

async def main():
    types, work, url = sys.argv[1:]
    order = make_order(Path(types), Path(work), "endless", database_url=url)
    await RenderProcess(RenderLimits(1024, 3600), 1).make(order, lambda progress: print("on", flush=True), None)

asyncio.run(main())
"""


async def test_no_process_outlives_a_killed_service(types: Path, tmp_path: Path) -> None:
    arguments = [str(types), str(tmp_path / "work"), f"sqlite:///{tmp_path}/shop.sqlite3"]
    parent = subprocess.Popen(  # noqa: ASYNC220 - it is short
        [sys.executable, "-c", PARENT, *arguments],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    with running(parent):
        assert parent.stdout is not None
        await asyncio.to_thread(parent.stdout.readline)
        [child] = psutil.Process(parent.pid).children()
        parent.send_signal(signal.SIGKILL)
    await eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_what_a_killed_service_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    left = tmp_path / "postroom-report-left"
    left.mkdir()
    (left / "in-use").touch()
    (left / "half.pdf").write_bytes(b"x" * 100)

    with open_work_folder(tmp_path), open_work_folder(tmp_path):
        there = list(tmp_path.iterdir())

    assert left not in there
    assert len(there) == 2  # the first one's is not taken by the second
    assert list(tmp_path.iterdir()) == []
