"""A service that writes down each step it takes: `python -m tests.support.crash_worker`.

COUNTING_FILE names the file. A line is written with one system call, so that a kill -9 leaves it whole or not there.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from postroom.runtime.assembly import Runtime
from postroom.runtime.serving import run_worker
from postroom.wire.errors import PermanentFailure, TemporaryFailure
from postroom.wire.messages import Job
from postroom.wire.retries import RetryPolicy, fixed
from postroom.worker import Adapters, Delivery, Worker

COUNTING_FILE = "COUNTING_FILE"
QUEUE = "counting.count"


class Count(Job):
    """Be counted, after a while, after some failures, or never."""

    kind: ClassVar[str] = QUEUE
    seconds: float = 0
    failures: int = 0  # tries that fail before one works
    is_hopeless: bool = False
    kills: bool = False


@dataclass(frozen=True)
class Step:
    """One line of the file."""

    name: str  # begun, done
    message_id: str
    pid: int
    at: float  # seconds since the epoch


class CountingFile:
    """Steps in the order they were taken, by whatever process."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, name: str, message_id: str) -> None:
        """Write one step down."""
        line = f"{name} {message_id} {os.getpid()} {time.time():.6f}\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def steps(self, name: str) -> list[Step]:
        """All steps of that name."""
        if not self.path.exists():
            return []
        lines = (line.split() for line in self.path.read_text().splitlines())
        return [Step(what, message_id, int(pid), float(at)) for what, message_id, pid, at in lines if what == name]

    def count(self, name: str) -> Counter[str]:
        """How often each message took that step."""
        return Counter(step.message_id for step in self.steps(name))


worker = Worker("counting")


@worker.handles(Count, retry=RetryPolicy(attempts=5, backoff=fixed(timedelta(seconds=1))))
async def count(job: Count, file: CountingFile, delivery: Delivery) -> None:
    """Do as the job says."""
    file.add("begun", job.id)
    await asyncio.sleep(job.seconds)
    if job.kills:
        os.kill(os.getpid(), 9)
    if job.is_hopeless:
        raise PermanentFailure("this one never works")
    if delivery.attempt <= job.failures:
        raise TemporaryFailure("not yet")
    file.add("done", job.id)


@asynccontextmanager
async def adapters(_runtime: Runtime) -> AsyncIterator[Adapters]:
    """The file."""
    yield {CountingFile: CountingFile(Path(os.environ[COUNTING_FILE]))}


if __name__ == "__main__":
    run_worker(worker, adapters)
