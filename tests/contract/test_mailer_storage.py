"""What every storage keeps, run against the fake and a real folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from postroom_email.errors import InvalidAttachment
from postroom_email.storage import PrefixedStorage, StoredObjects
from tests.support.email_fakes import MemoryStorage

Setup = tuple[StoredObjects, Callable[[str], str]]


@pytest.fixture(params=["folder", "fake"])
def setup(request: pytest.FixtureRequest, tmp_path: Path) -> Setup:
    if request.param == "fake":
        return MemoryStorage(report=b"content"), lambda name: f"memory://{name}"
    (tmp_path / "report").write_bytes(b"content")
    return PrefixedStorage(tmp_path.as_uri()), lambda name: f"{tmp_path.as_uri()}/{name}"


async def test_an_object_is_read_whole(setup: Setup):
    storage, url = setup

    assert await storage.read(url("report"), 7) == b"content"


async def test_an_object_over_the_limit_is_refused(setup: Setup):
    storage, url = setup

    with pytest.raises(InvalidAttachment, match="7 bytes"):
        await storage.read(url("report"), 6)


async def test_an_object_that_is_not_there_is_told(setup: Setup):
    storage, url = setup

    with pytest.raises(InvalidAttachment, match="no such object"):
        await storage.read(url("nothing"), 100)
