"""The process round a service, or round several: what is between `postroom run <name>` and its exit code."""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from importlib.resources.abc import Traversable
from typing import Any, NoReturn

import uvloop

from postroom.privacy.redaction import redact
from postroom.runtime.assembly import Assembly, LoadedService, MakeAdapters, load_service
from postroom.runtime.background import in_background
from postroom.runtime.health import HealthServer
from postroom.runtime.process import EXIT_CONFIGURATION, EXIT_LOST_CONSUMERS, SUPERVISED
from postroom.runtime.rabbitmq import RabbitMqTransport
from postroom.runtime.transport import Transport
from postroom.service import Service
from postroom.settings import RuntimeSettings, read_settings
from postroom.telemetry import metrics
from postroom.telemetry.logs import set_up_logs
from postroom.telemetry.tracing import set_up_tracing, shut_down_tracing
from postroom.wire.errors import ConfigurationError
from postroom.worker.registration import Worker

log = logging.getLogger(__name__)

LAG_SECONDS = 0.5

MakeTransport = Callable[[str], Transport]
"""Makes the transport of the service of that name."""


def run(service: Service) -> NoReturn:
    """Run a service until SIGTERM or SIGINT, then exit: 0 after a clean stop, 78 for wrong settings."""
    run_process(service.name, lambda settings: ServiceRunner([load_service(service)], settings).serve())


def run_worker(worker: Worker, adapters: MakeAdapters, migrations: Traversable | None = None) -> NoReturn:
    """Like `run`, for a worker that belongs to no declared service."""
    service = LoadedService(worker, adapters, migrations)
    run_process(service.name, lambda settings: ServiceRunner([service], settings).serve())


def run_process(name: str, serve: Callable[[RuntimeSettings], Coroutine[Any, Any, int]]) -> NoReturn:
    """Do `serve` in a process that is set up for it, and exit with its answer, or with 78 for wrong settings."""
    try:
        settings = read_settings(RuntimeSettings)
        set_up_logs(name, settings.log_format, settings.log_level)
        set_up_tracing(name)
        code = uvloop.run(serve(settings))
    except ConfigurationError as error:
        print(f"{name}: {redact(str(error))}", file=sys.stderr)  # noqa: T201 - logs may not be set up
        code = EXIT_CONFIGURATION
    finally:
        shut_down_tracing()
    sys.exit(code)


class ServiceRunner:
    """Services at work in this process, with its signals, its health port and its exit code.

    Args:
        services: one; or several that share the process.
        settings: the runtime's.
        transport: makes the transport of each; RabbitMQ's, as the settings say, when absent.

    Attributes:
        assemblies: the services, in their order.
        health: there once it is served.
    """

    def __init__(
        self, services: Sequence[LoadedService], settings: RuntimeSettings, transport: MakeTransport | None = None
    ) -> None:
        url = settings.amqp_url.get_secret_value()
        make = transport or (lambda name: RabbitMqTransport(url, name))
        self._settings = settings
        self._stop = asyncio.Event()
        self._exit_code = 0
        self.health: HealthServer | None = None
        self.assemblies = [
            Assembly(service, settings, make(service.name), stop=self._stop, give_up=self._give_up)
            for service in services
        ]

    async def serve(self) -> int:
        """Work until `stop`; then take nothing more, finish what is in work, and return the exit code."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop)
        if os.environ.get(SUPERVISED):
            await loop.connect_read_pipe(lambda: _StopAtEnd(self.stop), sys.stdin)
        async with AsyncExitStack() as stack:
            host, port = self._settings.health_host, self._settings.health_port
            self.health = health = HealthServer(host, port, self.problems, self.details)
            health.start()
            stack.callback(health.close)
            log.info("Health at %s/readyz", health.url)
            in_background(stack, _measure_lag(health), self._give_up)
            await self._run_all()
        log.info("Stopped")
        return self._exit_code

    def stop(self) -> None:
        """Begin to stop."""
        self._stop.set()

    def problems(self) -> dict[str, str]:
        """What stands in the way of working, for `/readyz`; of several services each with its service's name."""
        if len(self.assemblies) == 1:
            return self.assemblies[0].problems()
        found = ((each.name, each.problems()) for each in self.assemblies)
        return {f"{name} {what}": problem for name, problems in found for what, problem in problems.items()}

    def details(self) -> dict[str, Any]:
        """What `/readyz` tells besides: a provider that is away does not make a service unready."""
        outages = {each.name: outage.to_json() for each in self.assemblies if (outage := each.circuit.outage)}
        if not outages:
            return {}
        return {"outage": outages[self.assemblies[0].name]} if len(self.assemblies) == 1 else {"outages": outages}

    async def _run_all(self) -> None:
        tasks: list[asyncio.Task[None]] = []
        try:
            for assembly in self.assemblies:
                tasks.append(asyncio.create_task(self._run(assembly)))
                # One after the other: Alembic cannot bring two databases up to date at once in one process.
                await _first(tasks[-1], asyncio.create_task(assembly.is_ready.wait()))
            _spare_the_collector()
            await asyncio.wait(tasks)
        finally:
            self.stop()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            if end is not None:
                raise end

    async def _run(self, assembly: Assembly) -> None:
        try:
            await assembly.run()
        finally:  # what one cannot do without stops them all
            self.stop()

    def _give_up(self) -> None:
        self._exit_code = EXIT_LOST_CONSUMERS
        self.stop()


class _StopAtEnd(asyncio.Protocol):
    """Calls `stop` when the pipe to the supervisor breaks, because it ended in whatever way."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - however it ended
        self._stop()


async def _measure_lag(health: HealthServer) -> None:
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        await asyncio.sleep(LAG_SECONDS)
        metrics.LOOP_LAG.set(max(0.0, loop.time() - began - LAG_SECONDS))
        health.loop_turned()


async def _first(task: "asyncio.Task[None]", other: "asyncio.Task[Any]") -> None:
    try:
        await asyncio.wait([task, other], return_when=asyncio.FIRST_COMPLETED)
    finally:
        other.cancel()


def _spare_the_collector() -> None:
    # What was loaded by now stays; looking through it at every turn of the collector would find nothing
    # (what that costs: docs/decisions/0002-intake.md).
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    # The database's thread gets its turn after 0.5 ms instead of 5.
    sys.setswitchinterval(0.0005)
