"""Keeps the processes in which templates of others are rendered, and replaces those that had to be ended."""

import asyncio
import contextlib
import signal
from asyncio.subprocess import Process
from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson

from postroom.runtime.child_process import end_child, exit_code, lines_of, send_line, start_child
from postroom_email.rendering import MailContent
from postroom_email.rendering.child import SECONDS
from postroom_email.rendering.registry import Template
from postroom_email.rendering.sandbox import OUTPUT_LIMIT, RenderingFailed

CHILDREN = 2
START_SECONDS = 30.0
END_WITHIN = timedelta(seconds=10)  # from its last word to its exit code
PATIENCE_SECONDS = 10.0  # on the wall's clock, should the limit on processor time not be there or not hold
_LINE_LIMIT = OUTPUT_LIMIT * 20  # three parts, each character up to six bytes in JSON


class TemplateProcesses:
    """A few processes that render one mail after the other.

    One template has at most one of them at a time, so that one that loops leaves the others to the rest.
    """

    def __init__(self, count: int = CHILDREN) -> None:
        self._free = asyncio.Semaphore(count)
        self._idle: list[Process] = []
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
                await end_child(child)
                raise
            self._idle.append(child)
        if "error" in answer:
            raise RenderingFailed(answer["error"])
        return MailContent(**answer)

    async def close(self) -> None:
        """End all processes."""
        while self._idle:
            await end_child(self._idle.pop())


async def _start() -> Process:
    child = await start_child("postroom_email.rendering.child", longest_line=_LINE_LIMIT)
    try:
        async with asyncio.timeout(START_SECONDS):
            if await lines_of(child).readline() == b"ready\n":
                return child
    except BaseException:
        await end_child(child)
        raise
    await end_child(child)
    raise RenderingFailed("the process that renders templates did not start")


async def _ask(child: Process, request: bytes) -> dict[str, Any]:
    answer = b""
    with contextlib.suppress(TimeoutError, ConnectionError, ValueError):  # ValueError: longer than _LINE_LIMIT
        async with asyncio.timeout(PATIENCE_SECONDS):
            await send_line(child, request)
            answer = await lines_of(child).readline()
    if not answer.endswith(b"\n"):
        code = await exit_code(child, END_WITHIN if lines_of(child).at_eof() else timedelta(0))
        raise RenderingFailed(_cause_of_death(code))
    return dict(orjson.loads(answer))


def _cause_of_death(code: int | None) -> str:
    if code == -getattr(signal, "SIGPROF", 0):
        return f"it took more than {SECONDS} s"
    return "it took too long or needed too much memory"
