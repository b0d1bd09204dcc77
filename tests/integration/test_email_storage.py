"""Attachments from a real folder and over a real HTTP object store, and from nowhere else."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postroom.wire.errors import ConfigurationError
from postroom_email.errors import AttachmentStorageUnavailable, InvalidAttachment
from postroom_email.storage import PrefixedStorage


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("secret")
    inside = tmp_path / "re ports"
    inside.mkdir()
    (inside / "a b%.txt").write_text("fine")
    (inside / "link.txt").symlink_to(tmp_path / "secret.txt")
    (inside / "up").symlink_to(tmp_path)
    return inside


async def test_a_name_with_spaces_and_percent_signs_is_found(folder: Path):
    url = (folder / "a b%.txt").as_uri()

    assert await PrefixedStorage(folder.as_uri()).read(url, 100) == b"fine"


@pytest.mark.parametrize(
    "rest",
    [
        *("../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "%252e%252e/secret.txt", "./../secret.txt"),
        *(
            "link.txt",
            "up/secret.txt",
            "/etc/passwd",
            "//etc/passwd",
            "",
            "a%00b",
            "..\\secret.txt",
            "x/../../secret.txt",
        ),
    ],
)
async def test_nothing_outside_the_prefix_is_read(folder: Path, rest: str):
    with pytest.raises(InvalidAttachment):
        await PrefixedStorage(folder.as_uri()).read(f"{folder.as_uri()}/{rest}", 100)


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1/x", "https://example.com/x", "file:///etc/passwd", "s3://bucket/x", "/etc/passwd"),
        *("FILE:///etc/passwd", "http://169.254.169.254/latest/meta-data", "x"),
    ],
)
async def test_no_other_address_is_asked(folder: Path, url: str):
    with pytest.raises(InvalidAttachment, match="only objects under"):
        await PrefixedStorage(folder.as_uri()).read(url, 100)


async def test_a_neighbour_with_a_longer_name_is_outside(folder: Path):
    (folder.parent / "re ports-2").mkdir()
    (folder.parent / "re ports-2" / "x").write_text("no")

    with pytest.raises(InvalidAttachment):
        await PrefixedStorage(folder.as_uri()).read(f"{folder.as_uri()}-2/x", 100)


@pytest.fixture
async def object_store(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[str, list[str]]]:
    """An HTTP server that answers as S3 does; its URL, and the paths it was asked for."""
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split()[1]
        asked.append(path)
        found = path == "/bucket/reports/2026/q1.pdf"
        body = b"%PDF-" if found else b"<Error><Code>NoSuchKey</Code></Error>"
        writer.write(
            f'HTTP/1.1 {"200 OK" if found else "404 Not Found"}\r\nContent-Length: {len(body)}\r\nETag: "1"\r\n'
            "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nConnection: close\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        writer.close()

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


async def test_an_object_is_read_from_a_bucket(object_store: tuple[str, list[str]]):
    endpoint, asked = object_store
    storage = PrefixedStorage(f"s3://bucket/reports?endpoint={endpoint}&region=eu-central-1")

    assert await storage.read("s3://bucket/reports/2026/q1.pdf", 5) == b"%PDF-"
    with pytest.raises(InvalidAttachment, match="no such object"):
        await storage.read("s3://bucket/reports/2026/q2.pdf", 5)
    with pytest.raises(InvalidAttachment, match="only objects under"):
        await storage.read("s3://bucket/other/2026/q1.pdf", 5)
    with pytest.raises(InvalidAttachment, match="5 bytes, 4 are left"):
        await storage.read("s3://bucket/reports/2026/q1.pdf", 4)
    assert all(path.startswith("/bucket/reports/") for path in asked)


async def test_a_bucket_that_does_not_answer_is_tried_again_later():
    storage = PrefixedStorage(
        "s3://bucket/reports?endpoint=http://127.0.0.1:1&region=x&access_key_id=a&secret_access_key=canary"
    )

    with pytest.raises(AttachmentStorageUnavailable) as caught:
        await storage.read("s3://bucket/reports/x", 5)

    assert "canary" not in str(caught.value)


def test_a_storage_that_cannot_be_used_is_named():
    with pytest.raises(ConfigurationError, match="REPORT_STORAGE_URL"):
        PrefixedStorage("ftp://example.com/x")
