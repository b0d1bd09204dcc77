"""Programs that tests start: they end with the test, whatever becomes of it, and a red test shows what they said."""

import asyncio
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.patience import WORK, seconds
from tests.support.servers import shared_server

PROJECT = Path(__file__).parents[2]
LINES_SHOWN = 40
_logs: dict[str, tuple[Path, int]] = {}


@dataclass(frozen=True)
class Ended:
    """A program that has ended; `output` has what it wrote to both of its outputs where they were not kept apart."""

    code: int
    output: str
    errors: str = ""


async def run(
    *command: str | Path,
    environment: Mapping[str, str] | None = None,
    cwd: Path = PROJECT,
    apart: bool = False,
    given: str | None = None,
) -> Ended:
    """Run a program to its end. It is killed when this is cancelled, or when the machine's patience is over.

    Args:
        environment: added to this process's own.
        apart: keep standard error apart from standard output.
        given: what it reads from its standard input.
    """
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=asyncio.subprocess.DEVNULL if given is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE if apart else asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(seconds(WORK)):
            output, errors = await process.communicate(None if given is None else given.encode())
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, output.decode(errors="replace"), (errors or b"").decode(errors="replace"))


async def postroom(*arguments: str, environment: Mapping[str, str] | None = None, apart: bool = False) -> Ended:
    """`postroom …` as a process of its own, by a Python that has imported it already."""
    return await run(
        shared_server("prefork")["python"],
        "-m",
        "postroom.operator.cli",
        *arguments,
        environment=environment,
        apart=apart,
    )


@contextmanager
def running(process: "subprocess.Popen[str] | subprocess.Popen[bytes]") -> Iterator[None]:
    """Have a started program killed and its pipes closed at the end, if it has not ended by itself."""
    try:
        yield
    finally:
        process.kill()
        with suppress(ValueError):  # what was read to its end is closed
            process.communicate()


def show_when_red(name: str, log: Path) -> None:
    """Show the end of what `log` gets from now on if the running test fails."""
    _logs[name] = (log, log.stat().st_size if log.exists() else 0)


def forget_logs() -> None:
    """Begin a new test."""
    _logs.clear()


def logs() -> dict[str, str]:
    """The last lines of the logs of this test, by name of what wrote them."""
    return {f"{name} ({log})": _end_of(log, since) for name, (log, since) in _logs.items()}


def _end_of(log: Path, since: int) -> str:
    try:
        with log.open("rb") as file:
            file.seek(since)
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        lines = []
    return "\n".join(lines[-LINES_SHOWN:]) or "(nothing)"
