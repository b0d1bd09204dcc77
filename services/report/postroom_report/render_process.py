"""Makes reports in child processes with limits, so that one that takes all memory or never ends harms no other."""

import asyncio
import logging
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from postroom.privacy.masking import mask_text
from postroom.runtime.child_process import end_child, exit_code, lines_of, send_line, start_child
from postroom.wire import errors as shared_errors
from postroom.wire.errors import JobError, TemporaryFailure
from postroom_report import errors
from postroom_report.layout import Document, RenderProgress
from postroom_report.render_request import RenderRequest

log = logging.getLogger(__name__)

Take = Callable[[Document], Awaitable[None]]
_LONGEST_LINE = 1024 * 1024
_MOST_LINES = 50
_END_WITHIN = timedelta(seconds=2)  # from its last word to its exit code
_OUT_OF_MEMORY = ("memory allocation", "MemoryError", "bad_alloc", "out of memory")


@dataclass(frozen=True, slots=True)
class RenderLimits:
    """The limits of one report: memory of its process, and seconds from its start to the last document taken."""

    memory_mib: int
    seconds: float


class RenderProcess:
    """Makes reports, each in a process of its own.

    Args:
        limits: of each.
        at_once: processes at a time; more wait.
    """

    def __init__(self, limits: RenderLimits, at_once: int) -> None:
        self._limits = limits
        self._free = asyncio.Semaphore(at_once)

    async def make(self, request: RenderRequest, on_progress: Callable[[RenderProgress], None], take: Take) -> None:
        """Make the requested report. When this is cancelled the process is killed.

        Args:
            on_progress: is called with how far it is.
            take: is given each document; the next one is made when it returns. What it raises ends the making.

        Raises the errors of errors.py, and TemporaryFailure.
        """
        async with self._free:
            limit = asyncio.timeout(self._limits.seconds)
            try:
                async with limit:
                    await self._make(request, on_progress, take)
            except TimeoutError:
                if not limit.expired():
                    raise
                raise errors.LimitExceeded(
                    f"making it took more than {self._limits.seconds:g} s; ask for less, or raise "
                    "REPORT_TIME_LIMIT_SECONDS"
                ) from None

    async def _make(self, request: RenderRequest, on_progress: Callable[[RenderProgress], None], take: Take) -> None:
        child = await _start(request.folder)
        error_lines: list[str] = []
        reading_errors = asyncio.ensure_future(_read_errors(child, error_lines))
        try:
            if not await self._exchange(child, request, on_progress, take):
                await asyncio.wait([reading_errors], timeout=1)
                raise _cause_of_death(await exit_code(child, _END_WITHIN), error_lines, self._limits.memory_mib)
        finally:
            await asyncio.shield(end_child(child))
            reading_errors.cancel()

    async def _exchange(
        self,
        child: Process,
        request: RenderRequest,
        on_progress: Callable[[RenderProgress], None],
        take: Take,
    ) -> bool:
        """Send the request and read the messages of the child. False when the child died before it sent `end`."""
        limits = {"memory_mib": self._limits.memory_mib, "seconds": self._limits.seconds}
        line = orjson.dumps({**limits, "request": orjson.Fragment(request.model_dump_json(by_alias=True))})
        await _send(child, line)
        async for message in _messages(child):
            if "progress" in message:
                on_progress(RenderProgress(*message["progress"]))
            elif "document" in message:
                given = message["document"]
                await take(Document(given["part"], Path(given["path"]), given["rows"], given["pages"]))
                await _send(child, b"next")
            elif "error" in message:
                raise _error(**message["error"])
            elif "end" in message:
                return True
        return False


async def _start(folder: Path) -> Process:
    return await start_child(
        "postroom_report.child", longest_line=_LONGEST_LINE, environment={"TMPDIR": str(folder)}, stderr=PIPE
    )


async def _send(child: Process, line: bytes) -> None:
    with suppress(ConnectionError):  # it is dead; the end of its answers says so too
        await send_line(child, line)


async def _messages(child: Process) -> Any:
    while (line := await lines_of(child).readline()).endswith(b"\n"):
        yield orjson.loads(line)


async def _read_errors(child: Process, error_lines: list[str]) -> None:
    assert child.stderr is not None  # noqa: S101 - for the type checker
    while not child.stderr.at_eof():
        with suppress(ValueError):  # of a line too long; the rest is read, or the child would wait for ever to write it
            line = await child.stderr.readline()
            if line and len(error_lines) < _MOST_LINES:
                error_lines.append(line.decode(errors="replace").rstrip()[:500])
                log.warning("%s", mask_text(error_lines[-1]))


def _error(type: str, text: str) -> JobError:  # noqa: A002 - the child's word
    known = getattr(errors, type, None) or getattr(shared_errors, type, None)
    return known(text) if known is not None else TemporaryFailure(f"{type}: {text}")


def _cause_of_death(code: int | None, error_lines: list[str], mib: int) -> JobError:
    printed = "\n".join(error_lines)
    if any(word in printed for word in _OUT_OF_MEMORY):
        return errors.LimitExceeded(
            f"making it needed more than {mib} MiB of memory; ask for less, or raise REPORT_MEMORY_MIB"
        )
    if code is not None and code == -getattr(signal, "SIGXCPU", 0):
        return errors.LimitExceeded("making it took more processor time than REPORT_TIME_LIMIT_SECONDS allows")
    how = f"by signal {-code}" if code is not None and code < 0 else f"with code {code}"
    return TemporaryFailure(f"the process that made it ended {how}, without a result")
