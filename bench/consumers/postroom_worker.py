"""A Postroom service with everything on: validation, inbox, retries, metrics, coalesced acknowledgements."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvloop

from bench.counting import PREFETCH, Count
from postroom.runtime.assembly import LoadedService
from postroom.runtime.serving import ServiceRunner
from postroom.settings import RuntimeSettings, read_settings
from postroom.wire.messages import Job
from postroom.worker import Adapters, Worker

count = Count()


def make_worker(queue: str) -> Worker:
    """A worker whose one handler counts."""

    class Noop(Job):
        """What the handler takes."""

        kind = queue
        to: str
        subject: str
        body: str

    worker = Worker("bench")

    @worker.handles(Noop, prefetch=PREFETCH)
    async def noop(_job: Noop) -> None:
        count.add()

    return worker


@asynccontextmanager
async def no_adapters(_runtime: Any) -> AsyncIterator[Adapters]:
    """The handler needs none."""
    yield {}


async def main(_url: str, queue: str) -> None:
    """Work until the queue stays empty."""
    service = ServiceRunner([LoadedService(make_worker(queue), no_adapters)], read_settings(RuntimeSettings))
    serving = asyncio.create_task(service.serve())
    await count.until_idle()
    service.stop()
    await serving
    count.print()


uvloop.run(main(*sys.argv[1:]))
