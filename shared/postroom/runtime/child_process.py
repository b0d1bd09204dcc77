"""A module of ours as a child process that may hang, grow or die: what it is given, and how it is ended.

The child limits itself, for what it needs differs: see who starts one.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta


async def start_child(
    module: str, *, longest_line: int, environment: Mapping[str, str] | None = None, stderr: int | None = None
) -> Process:
    """Start `python -m module`, with pipes for its input and output.

    Its environment is where modules are found, and `environment`, and nothing else: ours has the passwords.

    Args:
        longest_line: bytes; reading a longer one raises ValueError.
        stderr: PIPE, or None for our own.
    """
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", module),  # -P: no module of the folder that we happen to be in
        stdin=PIPE,
        stdout=PIPE,
        stderr=stderr,
        limit=longest_line,
        env={"PYTHONPATH": path, "PYTHONUTF8": "1", **(environment or {})},
    )


async def send_line(child: Process, line: bytes) -> None:
    """Write a line. Raises ConnectionError when it is dead."""
    assert child.stdin is not None  # noqa: S101 - for the type checker
    child.stdin.write(line + b"\n")
    await child.stdin.drain()


def lines_of(child: Process) -> asyncio.StreamReader:
    """What it answers."""
    assert child.stdout is not None  # noqa: S101 - for the type checker
    return child.stdout


async def exit_code(child: Process, within: timedelta) -> int | None:
    """How it ended, negative for a signal; None when it has not `within` that.

    Its end of the pipe closes just before the kernel has its exit code; to kill it in between would hide that.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(within.total_seconds()):
            await child.wait()
    return child.returncode


async def end_child(child: Process) -> None:
    """Kill it if it lives, and wait for its end, also when this is cancelled meanwhile."""
    if child.returncode is None:
        with suppress(ProcessLookupError):
            child.kill()
        await asyncio.shield(child.wait())
    # The transport of the pipes is closed with the process; say so now, not when it is collected.
    child._transport.close()  # type: ignore[attr-defined]
