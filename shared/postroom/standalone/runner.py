"""All services in one process, on a file in the broker's place: the same assembly, on another transport."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, NoReturn

from postroom import installation
from postroom.runtime.assembly import LoadedService, load_service
from postroom.runtime.serving import ServiceRunner, run_process
from postroom.settings import RuntimeSettings
from postroom.standalone.broker import SqliteBroker, open_broker
from postroom.standalone.transport import SqliteTransport
from postroom.wire.errors import ConfigurationError


class Standalone(NamedTuple):
    """Services that share a process, and the file with their messages."""

    runner: ServiceRunner
    broker: SqliteBroker


@asynccontextmanager
async def open_standalone(settings: RuntimeSettings, services: Sequence[LoadedService]) -> AsyncIterator[Standalone]:
    """The services, not served yet, with their file open. Raises ConfigurationError when a PostgreSQL is configured."""
    if settings.database_url is not None:
        raise ConfigurationError("JOB_RUNNER=cron works on SQLite files of its own; unset POSTROOM_DATABASE_URL")
    subscriptions = [each for service in services for each in service.worker.subscriptions.values()]
    async with open_broker(settings, subscriptions) as broker:
        yield Standalone(ServiceRunner(services, settings, lambda name: SqliteTransport(broker, name)), broker)


def run_standalone() -> NoReturn:
    """Run all services of this installation until SIGTERM or SIGINT, then exit like `run` in serving.py."""
    run_process("standalone", _serve)


async def _serve(settings: RuntimeSettings) -> int:
    services = [load_service(each) for each in installation.services()]
    async with open_standalone(settings, services) as (runner, _broker):
        return await runner.serve()
