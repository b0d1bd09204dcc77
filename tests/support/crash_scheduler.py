"""The scheduler with a clock that a test sets, dying at named points: `python -m tests.support.crash_scheduler`.

CRASH_CLOCK names the file in which the time stands: one clock for all processes, also for those that just started.
CRASH_STARTS names a file in which each start adds a byte: the n-th start dies at the n-th of POINTS, over and over,
when it has been there three to six times, and writes that into `<the file>.died`.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from postroom.runtime.assembly import Runtime
from postroom.runtime.serving import run_worker
from postroom.worker import Adapters
from postroom_scheduler import adapters as real
from postroom_scheduler.handlers import worker
from postroom_scheduler.service import service
from postroom_scheduler.sql_ticks import SqlTicks, Tick

CRASH_CLOCK = "CRASH_CLOCK"
CRASH_STARTS = "CRASH_STARTS"
POINTS = ("before the row", "after the row, before publishing", "after publishing, before marking", "never")


class SharedClock:
    """The scheduler's clock: what stands in the file."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or Path(os.environ[CRASH_CLOCK])

    def now(self) -> datetime:
        """This moment."""
        return datetime.fromisoformat(self._file.read_text())

    def set(self, moment: datetime) -> None:
        """Let it be that moment in all processes."""
        unfinished = self._file.with_suffix(".unfinished")
        unfinished.write_text(moment.isoformat())
        unfinished.rename(self._file)

    async def sleep(self, duration: timedelta) -> None:
        """Wait a moment: somebody may have set another time."""
        await asyncio.sleep(min(duration.total_seconds(), 0.05))


class CrashingTicks(SqlTicks):
    """Ticks that kill the process at its point."""

    point = "never"
    lives = 0

    def _pass(self, point: str) -> None:
        if point == self.point:
            self.lives -= 1
            if self.lives < 0:
                _append(os.environ[CRASH_STARTS] + ".died", f"{point}\n")
                os.kill(os.getpid(), signal.SIGKILL)

    def _write_due(self, connection: Connection, now: datetime, at_most: int, which: Any) -> int:
        count = super()._write_due(connection, now, at_most, which)
        if count:
            self._pass(POINTS[0])  # not committed yet
        return count

    async def claim(self, now: datetime, at_most: int = 100) -> list[Tick]:
        claimed = await super().claim(now, at_most)
        if claimed:
            self._pass(POINTS[1])
        return claimed

    async def mark_published(self, published: list[Tick], now: datetime) -> None:
        self._pass(POINTS[2])
        await super().mark_published(published, now)


def _append(path: str, text: str) -> int:
    """Add a text with one system call; how long the file is then."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, text.encode())
        return os.lseek(descriptor, 0, os.SEEK_CUR)
    finally:
        os.close(descriptor)


@asynccontextmanager
async def adapters(runtime: Runtime) -> AsyncIterator[Adapters]:
    """The scheduler's own, with the other clock and the other ticks."""
    number = _append(os.environ[CRASH_STARTS], ".")
    CrashingTicks.point = POINTS[number % len(POINTS)]
    CrashingTicks.lives = 3 + number % 4
    async with real.adapters(runtime) as given:
        yield {**given, SqlTicks: given[CrashingTicks]}


def environment(folder: Path) -> dict[str, str]:
    """What makes a process of this module run by one clock with the others."""
    return {
        CRASH_CLOCK: str(folder / "clock"),
        CRASH_STARTS: str(folder / "starts"),
        "SCHEDULER_FILE": str(folder / "schedules.yaml"),
    }


def _main() -> None:
    replaced: dict[str, Any] = {"SqlTicks": CrashingTicks, "WallClock": SharedClock}
    vars(real).update(replaced)
    run_worker(worker, adapters, service.migrations_folder())


if __name__ == "__main__":
    _main()
