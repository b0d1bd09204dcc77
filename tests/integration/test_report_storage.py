"""Documents in a folder and in S3 (moto's server): whole or not at all, and what happens when the storage is away."""

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.storage.object_storage import NoSuchObject, ObjectStorage, StorageAway, StorageFull
from postroom.testing import eventually
from postroom.wire.errors import ConfigurationError
from postroom_email.storage import PrefixedStorage
from tests.support.http import http_client
from tests.support.patience import WORK, seconds
from tests.support.processes import run
from tests.support.report_service import LIST, ReportHarness, objects_in, report_harness_at, rows, write_type
from tests.support.sms_providers import moto_server
from tests.support.worker import WorkerVhost, depth

HOUR = timedelta(hours=1)
SIZE = 12 * 1024 * 1024
CSV = "text/csv; charset=utf-8"


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "report.csv"
    path.write_bytes(os.urandom(SIZE))
    return path


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@pytest.fixture
async def bucket(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[str, str]]:
    """The URL of a storage in S3, and that of the server."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    async with moto_server() as url:
        async with http_client() as client:
            await client.put(f"{url}bucket")
        yield f"s3://bucket/reports?endpoint={url.rstrip('/')}&region=us-east-1", url


async def test_a_document_in_a_bucket_has_its_type_its_checksum_and_a_link(
    bucket: tuple[str, str], document: Path
) -> None:
    storage = ObjectStorage(bucket[0])
    written = await storage.write("list/2026-11/a.csv", document, CSV)
    link = await storage.link("list/2026-11/a.csv", HOUR)

    assert written.sha256 == sha256_of(document)
    assert await storage.size("list/2026-11/a.csv") == written.bytes == SIZE
    assert link is not None
    assert "X-Amz-Expires=3600" in link
    assert "canary" not in link
    async with http_client() as client:
        answer = await client.get(link)
    assert hashlib.sha256(answer.content).hexdigest() == written.sha256
    assert answer.headers["content-type"] == CSV
    assert answer.headers["x-amz-meta-sha256"] == written.sha256
    assert '-3"' in answer.headers["etag"]  # it went in three parts


async def test_what_is_written_is_what_a_mail_carries(bucket: tuple[str, str], tmp_path: Path) -> None:
    document = tmp_path / "a.csv"
    document.write_bytes(b"content")
    for prefix in (bucket[0], (tmp_path / "re ports").as_uri()):
        storage = ObjectStorage(prefix)
        await storage.write("a b/c%.csv", document, CSV)

        assert "endpoint" not in storage.url("a b/c%.csv")
        assert await PrefixedStorage(prefix).read(storage.url("a b/c%.csv"), 10) == b"content"


async def test_nothing_is_left_of_a_deleted_object(bucket: tuple[str, str], document: Path, tmp_path: Path) -> None:
    for prefix in (bucket[0], (tmp_path / "reports").as_uri()):
        storage = ObjectStorage(prefix)
        await storage.write("a.csv", document, CSV)
        await storage.delete(["a.csv", "never-there.csv"])

        with pytest.raises(NoSuchObject):
            await storage.size("a.csv")


async def test_a_document_in_a_folder_is_never_seen_half(tmp_path: Path, document: Path) -> None:
    storage = ObjectStorage((tmp_path / "reports").as_uri())
    target = tmp_path / "reports" / "list" / "a.csv"
    sizes: set[int] = set()
    writing = asyncio.ensure_future(storage.write("list/a.csv", document, CSV))
    while not writing.done():
        sizes.add(size_of(target))
        await asyncio.sleep(0)
    await writing

    assert sizes <= {0, SIZE}
    assert list(objects_in(tmp_path / "reports")) == ["list/a.csv"]
    assert await storage.link("list/a.csv", HOUR) is None


async def test_writing_that_is_cancelled_leaves_nothing(tmp_path: Path, document: Path) -> None:
    storage = ObjectStorage((tmp_path / "reports").as_uri())
    writing = asyncio.ensure_future(storage.write("a.csv", document, CSV))
    await eventually(lambda: list((tmp_path / "reports").glob(".incoming/*")) or writing.done())
    writing.cancel()
    await asyncio.wait([writing])

    assert writing.cancelled() == (objects_in(tmp_path / "reports") == {})


async def test_what_a_killed_process_was_writing_is_removed_by_the_next(tmp_path: Path, document: Path) -> None:
    storage = ObjectStorage((tmp_path / "reports").as_uri())
    left = tmp_path / "reports" / ".incoming" / f"{hashlib.sha256(b'a.csv').hexdigest()[:32]}-left"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    await storage.write("a.csv", document, CSV)

    assert list(objects_in(tmp_path / "reports")) == ["a.csv"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("only root on Linux mounts a small disk: run the tests so")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        why = mounted.stderr.decode().strip()
        pytest.skip(f"a small disk cannot be mounted here ({why}): run the tests outside of a container")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


async def test_a_full_disk_is_told_and_leaves_nothing(small_disk: Path, document: Path) -> None:
    storage = ObjectStorage((small_disk / "reports").as_uri())
    with pytest.raises(StorageFull, match="no room"):
        await storage.write("a.csv", document, CSV)

    assert objects_in(small_disk / "reports") == {}


async def test_a_storage_that_is_away_says_so_within_its_time(document: Path) -> None:
    storage = ObjectStorage(
        "s3://bucket/reports?endpoint=http://127.0.0.1:1&region=x&access_key_id=a&secret_access_key=canary"
    )
    for attempt in (storage.write("a.csv", document, CSV), storage.size("a.csv"), storage.delete(["a.csv"])):
        with pytest.raises(StorageAway) as caught:
            await asyncio.wait_for(attempt, seconds(WORK))
        assert "canary" not in str(caught.value)


def test_a_storage_that_cannot_be_used_is_named() -> None:
    with pytest.raises(ConfigurationError, match="REPORT_STORAGE_URL"):
        ObjectStorage("ftp://example.com/x")


UPLOAD = """
import asyncio, sys
from pathlib import Path
from postroom.storage.object_storage import ObjectStorage
from tests.support.memory import peak_mib

async def main():
    storage = ObjectStorage(sys.argv[1])
    before = peak_mib()
    await storage.write("big.bin", Path(sys.argv[2]), "application/octet-stream")
    print(peak_mib() - before)

asyncio.run(main())
"""


async def test_a_large_document_needs_little_memory(bucket: tuple[str, str], tmp_path: Path) -> None:
    big = tmp_path / "big.bin"
    with big.open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    for prefix in (bucket[0], (tmp_path / "reports").as_uri()):
        uploaded = await run(sys.executable, "-c", UPLOAD, prefix, big, apart=True)

        assert int(uploaded.output) < 200 / 3, f"{prefix.partition(':')[0]}: {uploaded.output} MiB of its 200"


@pytest.fixture
async def report_harness(
    worker_vhost: WorkerVhost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ReportHarness]:
    write_type(tmp_path / "types", "list", **LIST)
    monkeypatch.setenv("REPORT_TYPES_DIR", str(tmp_path / "types"))
    async with report_harness_at(worker_vhost, tmp_path / "data", tmp_path / "types") as report_harness:
        yield report_harness


async def test_a_report_goes_to_a_bucket_and_its_mail_has_a_link_that_ends(
    worker_vhost: WorkerVhost, report_harness: ReportHarness, bucket: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORT_STORAGE_URL", bucket[0])
    monkeypatch.setenv("REPORT_ATTACH_LIMIT_BYTES", "0")
    async with report_harness.running(worker_vhost):
        await report_harness.order("in-s3", rows=rows(3), email_to="ada@example.com")
        [ready] = await report_harness.published("report.ready")
        [mail] = await report_harness.published("email.send")
    async with http_client() as client:
        content = (await client.get(mail["context"]["url"])).text

    assert ready["url"].startswith("s3://bucket/reports/list/")
    assert "name 2" in content
    assert "X-Amz-Expires=604800" in mail["context"]["url"]


async def test_a_storage_that_is_away_is_waited_for_and_uses_no_attempt(
    worker_vhost: WorkerVhost, report_harness: ReportHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "share"
    monkeypatch.setenv("REPORT_STORAGE_URL", (folder / "reports").as_uri())
    async with report_harness.running(worker_vhost):
        await asyncio.to_thread((folder / "reports").rmdir)
        folder.rmdir()
        folder.write_text("a share that is not mounted")
        await report_harness.order("patient", rows=rows(1))
        await report_harness.state("patient", "failed")
        folder.unlink()
        [ready] = await report_harness.published("report.ready")
        run = await report_harness.state("patient", "done")

    assert ready["id"] == "patient"
    assert run["error"] is None
    assert await depth(report_harness.channel, "report.generate.dead") == 0
