"""A service for tests that run it as a process: `python -m tests.support.chores`.

Its environment says which kind of job it does, CHORES_KIND, and where it writes down what it does, CHORES_LOG: a
line `began ID` and a line `ended ID` per job. A job's body says how long it takes, `seconds`, and whether it kills
the process, `kills`.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.runtime.assembly import Runtime
from postroom.runtime.serving import run_worker
from postroom.wire.messages import Job
from postroom.worker import Adapters, Delivery, Worker


class TimedChore(Job):
    """A job that takes its time."""

    seconds: float = 0.0
    kills: bool = False


def make_worker(kind: str, log: int, prefetch: int) -> Worker:
    """The worker of jobs of that kind, which writes to the file descriptor `log`."""
    worker = Worker("chores")

    @worker.handles(type("OwnChore", (TimedChore,), {"kind": kind}), prefetch=prefetch)
    async def do(job: TimedChore, delivery: Delivery) -> None:
        os.write(log, f"began {delivery.message_id}\n".encode())
        if job.kills:
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.sleep(job.seconds)
        os.write(log, f"ended {delivery.message_id}\n".encode())

    return worker


@asynccontextmanager
async def adapters(_runtime: Runtime) -> AsyncIterator[Adapters]:
    """None are needed."""
    yield {}


def main() -> None:
    """Work until told to stop."""
    log = os.open(os.environ["CHORES_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    run_worker(make_worker(os.environ["CHORES_KIND"], log, int(os.environ.get("CHORES_PREFETCH", "20"))), adapters)


if __name__ == "__main__":
    main()
