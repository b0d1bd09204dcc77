"""A module as a child process: what it is given, and how it is ended."""

import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from postroom.runtime.child_process import end_child, exit_code, lines_of, send_line, start_child
from tests.support.patience import REACTION

ANSWERS = """
import json, os, sys
print(json.dumps(dict(os.environ)), flush=True)
for line in sys.stdin:
    if line == "die\\n":
        os.kill(os.getpid(), 11)
    print(line.upper(), end="", flush=True)
"""

Start = Callable[[], Coroutine[Any, Any, Process]]


@pytest.fixture
async def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """Starts a child that first tells its environment, then answers each line with itself in capitals."""
    (tmp_path / "child_that_answers.py").write_text(ANSWERS)
    monkeypatch.syspath_prepend(tmp_path)
    async with AsyncExitStack() as stack:

        async def begin() -> Process:
            child = await start_child("child_that_answers", longest_line=100_000, environment={"TMPDIR": "/here"})
            stack.push_async_callback(end_child, child)
            return child

        yield begin


async def test_it_has_no_environment_but_what_it_is_given(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_TOKEN_KEY", "canary-4711")
    child = await start()

    told = orjson.loads(await lines_of(child).readline())
    assert told.keys() - {"LC_CTYPE"} == {"PYTHONPATH", "PYTHONUTF8", "TMPDIR"}
    assert told["TMPDIR"] == "/here"


async def test_no_module_of_the_folder_we_are_in_is_imported(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "json.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(folder)
    child = await start()

    assert (await lines_of(child).readline()).startswith(b"{")


async def test_it_answers_lines_until_it_dies_and_then_says_of_what(start: Start) -> None:
    child = await start()
    await lines_of(child).readline()
    await send_line(child, b"hello")
    assert await lines_of(child).readline() == b"HELLO\n"

    await send_line(child, b"die")

    assert await lines_of(child).read() == b""
    assert await exit_code(child, REACTION) == -signal.SIGSEGV


async def test_of_one_that_lives_there_is_no_exit_code(start: Start) -> None:
    assert await exit_code(await start(), timedelta(0)) is None


async def test_it_is_gone_when_it_was_ended_and_may_be_ended_twice(start: Start) -> None:
    child = await start()

    await end_child(child)
    await end_child(child)

    assert child.returncode == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


async def test_a_long_line_is_refused(start: Start) -> None:
    child = await start()
    await lines_of(child).readline()
    sending = asyncio.ensure_future(send_line(child, b"x" * 300_000))

    with pytest.raises(ValueError, match="exceed the limit"):
        await lines_of(child).readline()
    await end_child(child)
    await asyncio.gather(sending, return_exceptions=True)
