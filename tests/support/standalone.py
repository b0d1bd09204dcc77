"""Services at work without a broker, seen by a program that publishes."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

from postroom.runtime.assembly import LoadedService
from postroom.runtime.serving import ServiceRunner
from postroom.settings import RuntimeSettings
from postroom.standalone.broker import SqliteBroker
from postroom.standalone.runner import open_standalone
from postroom.standalone.transport import SqlitePublisher
from postroom.testing import eventually
from postroom.wire.errors import ProviderUnavailable
from postroom.worker import Worker
from tests.support.patience import WORK
from tests.support.transports import Happened, nothing


@dataclass
class Place:
    """Services at work without a broker, and a program that publishes."""

    broker: SqliteBroker

    def __post_init__(self) -> None:
        self.publisher = SqlitePublisher(self.broker, "a program")

    async def drained(self) -> None:
        """Wait until nothing waits nor is in work."""

        async def is_drained() -> bool:
            return await self.broker.count_ready() == 0

        await eventually(is_drained, within=WORK)


@asynccontextmanager
async def calling_providers(settings: RuntimeSettings, away: Collection[str]) -> AsyncIterator[ServiceRunner]:
    """The services `one` and `other` in one process, each with a message for its provider.

    Args:
        away: the services whose provider is away now; the test may change it.
    """
    services = [LoadedService(_calling_provider(name, away), nothing) for name in ("one", "other")]
    async with open_standalone(settings, services) as (runner, broker):
        task = asyncio.create_task(runner.serve())
        try:
            await eventually(lambda: not runner.problems(), within=WORK)
            await SqlitePublisher(broker, "a program").publish(Happened())
            yield runner
        finally:
            runner.stop()
            assert await task == 0


def _calling_provider(service: str, away: Collection[str]) -> Worker:
    worker = Worker(service)

    @worker.listens(Happened)
    async def call(_event: Happened) -> None:
        if service in away:
            raise ProviderUnavailable(f"{service}'s server refuses connections")

    return worker
