"""Finds what keeps an event loop from turning, without asking how long anything took by the clock.

A callback holds the loop up in two ways: it computes, which is its thread's processor time, or it waits in a call that
gives nobody else a turn. On a busy machine neither looks different.
"""

import asyncio
import gc
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

WAITING: tuple[tuple[Any, str], ...] = (
    (time, "sleep"),
    (os, "fsync"),
    (os, "waitpid"),
    (shutil, "copyfile"),
    (shutil, "copyfileobj"),
    (socket, "create_connection"),
    (socket, "getaddrinfo"),
    (sqlite3, "connect"),
    (subprocess.Popen, "communicate"),
    (subprocess.Popen, "wait"),
    (threading.Thread, "join"),
)
"""Calls that wait for the disk, the network, a process or a thread."""


@dataclass
class LoopWatch:
    """What was seen of the callbacks of one event loop.

    Attributes:
        most_seconds: the processor time of the longest callback, and `longest` is what it was.
        waits: calls in a callback that are in WAITING, with who called.
    """

    most_seconds: float = 0.0
    longest: str = ""
    waits: list[str] = field(default_factory=list)


@contextmanager
def loop_watched() -> Iterator[LoopWatch]:
    """Watch the callbacks of the running loop. The collector of garbage, whose work is nobody's, rests meanwhile."""
    seen, thread, run = LoopWatch(), threading.get_ident(), asyncio.Handle._run

    def measured(handle: asyncio.Handle) -> None:
        if threading.get_ident() != thread:
            return run(handle)
        began = time.thread_time()
        run(handle)
        if (took := time.thread_time() - began) > seen.most_seconds:
            seen.most_seconds, seen.longest = took, repr(handle)
        return None

    def noted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def note(*arguments: Any, **options: Any) -> Any:
            if threading.get_ident() == thread:
                caller = sys._getframe(1)
                seen.waits.append(f"{name} by {caller.f_code.co_filename}:{caller.f_lineno}")
            return call(*arguments, **options)

        return note

    patches = [mock.patch.object(asyncio.Handle, "_run", measured)]
    for owner, name in WAITING:
        patches.append(mock.patch.object(owner, name, noted(name, getattr(owner, name))))
    gc.disable()
    try:
        for each in patches:
            each.start()
        yield seen
    finally:
        for each in reversed(patches):
            each.stop()
        gc.enable()
