"""Keeps the processes in which templates of others are rendered, and replaces those that had to be ended."""

import asyncio
import contextlib
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import orjson

from postroom_email.rendering import MailContent
from postroom_email.rendering.child import SECONDS
from postroom_email.rendering.registry import Template
from postroom_email.rendering.sandbox import OUTPUT_LIMIT, RenderingFailed

CHILDREN = 2
START_SECONDS = 30.0
END_SECONDS = 10.0  # from its last word to its exit code
PATIENCE_SECONDS = 10.0  # on the wall's clock, should the limit on processor time not be there or not hold
_LINE_LIMIT = OUTPUT_LIMIT * 20  # three parts, each character up to six bytes in JSON


class TemplateProcesses:
    """A few processes that render one mail after the other.

    One template has at most one of them at a time, so that one that loops leaves the others to the rest.
    """

    def __init__(self, count: int = CHILDREN) -> None:
        self._free = asyncio.Semaphore(count)
        self._idle: list[asyncio.subprocess.Process] = []
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def render(self, template: Template, context: Mapping[str, Any]) -> MailContent:
        """The content, or RenderingFailed with the reason."""
        request = orjson.dumps(
            {"subject": template.subject, "text": template.text, "html": template.html, "context": context},
            default=str,
        )
        async with self._turns[template.name], self._free:
            child = self._idle.pop() if self._idle else await _start()
            try:
                answer = await _ask(child, request)
            except BaseException:
                await _end(child)
                raise
            self._idle.append(child)
        if "error" in answer:
            raise RenderingFailed(answer["error"])
        return MailContent(**answer)

    async def close(self) -> None:
        """End all processes."""
        while self._idle:
            await _end(self._idle.pop())


async def _start() -> asyncio.subprocess.Process:
    path = os.pathsep.join(entry for entry in sys.path if entry)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "postroom_email.rendering.child"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_LIMIT,
        env={"PYTHONPATH": path},  # and nothing else: our environment has the passwords
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            if await _lines_of(child).readline() == b"ready\n":
                return child
    except BaseException:
        await _end(child)
        raise
    await _end(child)
    raise RenderingFailed("the process that renders templates did not start")


async def _ask(child: asyncio.subprocess.Process, request: bytes) -> dict[str, Any]:
    answer = b""
    with contextlib.suppress(TimeoutError, ConnectionError, ValueError):  # ValueError: longer than _LINE_LIMIT
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert child.stdin is not None  # noqa: S101 - for the type checker
            child.stdin.write(request + b"\n")
            await child.stdin.drain()
            answer = await _lines_of(child).readline()
    if not answer.endswith(b"\n"):
        await _wait_for_end(child)
        raise RenderingFailed(_cause_of_death(child.returncode))
    return dict(orjson.loads(answer))


async def _wait_for_end(child: asyncio.subprocess.Process) -> None:
    # Its end of the pipe closes just before the kernel has its exit code; to kill it in between would hide that.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(END_SECONDS if _lines_of(child).at_eof() else 0):
            await child.wait()


def _cause_of_death(code: int | None) -> str:
    if code == -getattr(signal, "SIGPROF", 0):
        return f"it took more than {SECONDS} s"
    return "it took too long or needed too much memory"


def _lines_of(child: asyncio.subprocess.Process) -> asyncio.StreamReader:
    assert child.stdout is not None  # noqa: S101 - for the type checker
    return child.stdout


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await asyncio.shield(child.wait())
    # The transport of the pipes is closed with the process; say so now, not when it is collected.
    child._transport.close()  # type: ignore[attr-defined]
