"""Work that goes on beside everything else for as long as its process, and that nobody waits for."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

log = logging.getLogger(__name__)

CANCEL_SECONDS = 3.0
"""What it gets to clean up at the end; a database that is away must not hold the process."""


def in_background(
    stack: AsyncExitStack, work: Coroutine[Any, Any, None], ended: Callable[[], None]
) -> "asyncio.Task[None]":
    """Do `work` until the stack closes.

    It is meant to go on for ever. When it ends by itself, with an error or without, that is logged and `ended` is
    called: a process in which a part of the work is not done any more must not look like one that works.
    """
    name = getattr(work, "__qualname__", "A background task")
    task = asyncio.get_running_loop().create_task(work, name=name)

    def note_end(task: "asyncio.Task[None]") -> None:
        if not task.cancelling():
            error = None if task.cancelled() else task.exception()
            log.error("%s has ended (%s); this process ends", name, _why(task), exc_info=error)
            ended()

    async def end() -> None:
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_SECONDS)

    task.add_done_callback(note_end)
    stack.push_async_callback(end)
    return task


def raise_if_cancelled() -> None:
    """Raise CancelledError where the running task was cancelled. For loops that go on whatever error they meet.

    The client libraries of the broker turn the cancellation of a request under way into an error of theirs.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _why(task: "asyncio.Task[None]") -> str:
    if task.cancelled():
        return "something that it waited for was cancelled"
    error = task.exception()
    return "it returned" if error is None else type(error).__name__
