"""A place to crash things in."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.crash import Place
from tests.support.crash_worker import COUNTING_FILE, CountingFile


@pytest.fixture
def place(vhost: Any) -> Place:
    """A virtual host on the shared broker, without topology yet."""
    return Place(vhost.amqp_url, vhost.management_url)


@pytest.fixture
def counting(tmp_path: Path) -> CountingFile:
    """Where the counting service writes its steps."""
    return CountingFile(tmp_path / "steps")


@pytest.fixture
def environment(tmp_path: Path, counting: CountingFile) -> dict[str, str]:
    """The settings of every service of a test: one data folder for all of them."""
    return {"POSTROOM_DATA_DIR": str(tmp_path / "data"), COUNTING_FILE: str(counting.path)}
