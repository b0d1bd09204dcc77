"""For `make test-hard`, a plug-in of pytest: writes down which tests start a process, sleep or talk to a server."""

import os
import sys
from collections.abc import Generator
from typing import Any

import pytest

from tests.hard import RECORD

WAITS = {"subprocess.Popen", "os.fork", "os.posix_spawn", "time.sleep", "socket.connect"}
_seen: set[str] = set()


def _hear(event: str, _arguments: tuple[Any, ...]) -> None:
    if event in WAITS:
        _seen.add(event)


sys.addaudithook(_hear)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Look at one test, its fixtures included."""
    _seen.clear()
    try:
        return (yield)
    finally:
        if _seen:
            with open(os.environ[RECORD], "a", encoding="utf-8") as record:  # noqa: PTH123 - a path from the environment
                record.write(f"{item.nodeid}\n")
