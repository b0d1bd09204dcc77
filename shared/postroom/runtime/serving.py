"""One service as a process: everything between `postroom run <name>` and its exit code."""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple, NoReturn

import uvloop
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, ChannelNotFoundEntity
from sqlalchemy.exc import SQLAlchemyError

from postroom.broker.connection import without_password
from postroom.broker.library_internals import start_consuming
from postroom.broker.publishing import Publisher
from postroom.privacy.redaction import redact
from postroom.runtime.circuit import CircuitBreaker
from postroom.runtime.circuit.outages import OutagePublisher
from postroom.runtime.consuming.consumer import QueueConsumer, make_broker
from postroom.runtime.health import HealthServer
from postroom.runtime.history.measurements import MeasurementPublisher
from postroom.runtime.history.outbox import HistoryOutbox
from postroom.runtime.inbox import Inbox
from postroom.runtime.process import EXIT_CONFIGURATION, EXIT_LOST_CONSUMERS, SUPERVISED
from postroom.runtime.processing.processor import Processor
from postroom.runtime.registration import Adapters, Worker
from postroom.runtime.watchdog import Watchdog
from postroom.service import Service
from postroom.settings import RuntimeSettings, read_settings
from postroom.storage.database import Database
from postroom.telemetry import metrics
from postroom.telemetry.logs import set_up_logs
from postroom.telemetry.tracing import set_up_tracing, shut_down_tracing
from postroom.wire.errors import ConfigurationError, PublishError

log = logging.getLogger(__name__)

RETRY_SECONDS = 2.0
LAG_SECONDS = 0.5
PRUNE_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a service's `adapters` may build on.

    Attributes:
        replicas: how many processes of this service work on the same database now, this one included.
        problems: where an adapter tells what stands in its way, by name, for `/readyz`.
    """

    settings: RuntimeSettings
    database: Database
    publisher: Publisher
    replicas: Callable[[], int]
    problems: dict[str, str] = field(default_factory=dict)


MakeAdapters = Callable[[Runtime], AbstractAsyncContextManager[Adapters]]
"""Opens a service's adapters, by port, and closes them when the service stops."""


class LoadedService(NamedTuple):
    """What of a service is at work: its handlers, what opens their adapters, the folder of its migrations."""

    worker: Worker
    adapters: MakeAdapters
    migrations: Traversable | None = None


def load_service(service: Service) -> LoadedService:
    """Import a declared service and read its settings. Raises ConfigurationError, also for a wrong setting."""
    for own in service.load_settings():
        read_settings(own)
    return LoadedService(service.load_worker(), service.load_adapters(), service.migrations_folder())


def run(service: Service) -> NoReturn:
    """Run a service until SIGTERM or SIGINT, then exit: 0 after a clean stop, 78 for wrong settings."""
    try:
        loaded = load_service(service)
    except ConfigurationError as error:
        _end(service.name, error)
    run_worker(*loaded)


def run_worker(worker: Worker, adapters: MakeAdapters, migrations: Traversable | None = None) -> NoReturn:
    """Like `run`, for a worker that belongs to no declared service."""
    try:
        settings = read_settings(RuntimeSettings)
        set_up_logs(worker.service, settings.log_format, settings.log_level)
        set_up_tracing(worker.service)
        code = uvloop.run(ServiceRunner(worker, adapters, settings, migrations).serve())
    except ConfigurationError as error:
        _end(worker.service, error)
    finally:
        shut_down_tracing()
    sys.exit(code)


def _end(service: str, error: ConfigurationError) -> NoReturn:
    print(f"{service}: {redact(str(error))}", file=sys.stderr)  # noqa: T201 - logs may not be set up
    sys.exit(EXIT_CONFIGURATION)


class ServiceRunner:
    """A worker with its connections.

    Args:
        worker: the handlers.
        adapters: opens what they need.
        settings: the runtime's.
        migrations: the folder of the migrations of its own tables.
    """

    def __init__(
        self,
        worker: Worker,
        adapters: MakeAdapters,
        settings: RuntimeSettings,
        migrations: Traversable | None = None,
    ) -> None:
        self._worker = worker
        self._migrations = migrations
        self._adapters = adapters
        self._settings = settings
        self._url = settings.amqp_url.get_secret_value()
        self._stop = asyncio.Event()
        self._exit_code = 0
        self._problems: dict[str, str] = {"start": "not started yet"}
        self._adapters_problems: dict[str, str] = {}
        self._circuit = CircuitBreaker()
        self._inbox: Inbox | None = None
        self._watchdog: Watchdog | None = None

    async def serve(self) -> int:
        """Work until `stop`; then cancel the consumers, finish what is in work, and return the exit code."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop)
        if os.environ.get(SUPERVISED):
            await loop.connect_read_pipe(lambda: _StopAtEnd(self.stop), sys.stdin)
        async with AsyncExitStack() as stack:
            self._health = HealthServer(
                self._settings.health_host, self._settings.health_port, self.problems, self.details
            )
            self._health.start()
            stack.callback(self._health.close)
            log.info("Health at %s/readyz", self._health.url)
            with suppress(_StoppedEarly):
                await self._work(stack)
        log.info("Stopped")
        return self._exit_code

    def stop(self) -> None:
        """Begin to stop."""
        self._stop.set()

    def problems(self) -> dict[str, str]:
        """What stands in the way of working, for `/readyz`."""
        problems = {**self._problems, **self._adapters_problems}
        if self._inbox is not None and self._inbox.is_failing:
            problems["database"] = "does not take writes"
        if self._watchdog is not None and self._watchdog.missing:
            problems["consumers"] = f"not at the broker: {', '.join(sorted(self._watchdog.missing))}"
        return problems

    def details(self) -> dict[str, Any]:
        """What `/readyz` tells besides: a provider that is away does not make the service unready."""
        outage = self._circuit.outage
        return {"outage": outage.to_json()} if outage else {}

    async def _work(self, stack: AsyncExitStack) -> None:
        self._in_background(stack, self._measure_lag())
        service = self._worker.service
        database = Database(self._settings.service_database_url(service), service, self._migrations)
        stack.push_async_callback(database.close)
        await self._until_it_works("database", database.migrate)
        publisher = await stack.enter_async_context(Publisher(self._url, app_id=service))
        await self._until_it_works("broker", publisher.connect)
        self._inbox = inbox = Inbox(database)
        await self._until_it_works("database", inbox.liveness.join)
        stack.push_async_callback(_briefly, inbox.liveness.leave)
        self._in_background(stack, inbox.liveness.send_heartbeats())
        self._in_background(stack, self._prune(inbox))
        runtime = Runtime(self._settings, database, publisher, inbox.liveness.count, self._adapters_problems)
        adapters = await stack.enter_async_context(self._adapters(runtime))
        alone, circuit = asyncio.Lock(), self._circuit
        processors = [
            Processor(subscription, adapters, inbox=inbox, publisher=publisher, alone=alone, circuit=circuit)
            for subscription in self._worker.subscriptions.values()
        ]
        measurements = MeasurementPublisher(
            service, publisher, {processor.queue: processor.meter for processor in processors}
        )
        outages = OutagePublisher(service, inbox.holder, circuit, publisher)
        outbox = HistoryOutbox(service, inbox, database, publisher)
        await self._until_it_works("topology", lambda: self._consume(stack, processors))
        self._in_background(stack, measurements.keep_publishing())
        self._in_background(stack, outages.keep_publishing())
        self._in_background(stack, outbox.keep_publishing())
        self._problems.clear()
        _spare_the_collector()
        log.info("Ready: reading %s", ", ".join(self._worker.subscriptions))
        await self._stop.wait()
        self._problems["stop"] = "stopping"
        log.info("Stopping: no new messages, finishing what is in work")
        await self._drain(processors)
        await _briefly(measurements.publish)
        await _briefly(outbox.publish)

    async def _consume(self, stack: AsyncExitStack, processors: list[Processor]) -> None:
        broker = make_broker(self._url, self._worker.service)
        self._consumers = [
            QueueConsumer(broker, processor.queue, processor.prefetch, processor.take) for processor in processors
        ]
        try:
            await start_consuming(broker)
            connection = await broker.connect()
        except BaseException:
            await broker.stop()
            raise
        stack.push_async_callback(broker.stop)
        self._watchdog = Watchdog(connection, [consumer.queue for consumer in self._consumers], self._give_up)
        self._in_background(stack, self._watchdog.watch())

    async def _drain(self, processors: list[Processor]) -> None:
        deadline = asyncio.get_running_loop().time() + self._settings.drain_seconds
        await asyncio.gather(*(consumer.cancel() for consumer in self._consumers))
        await asyncio.gather(*(processor.drain(deadline) for processor in processors))
        await asyncio.gather(*(consumer.flush() for consumer in self._consumers))

    async def _until_it_works(self, what: str, step: Callable[[], Awaitable[None]]) -> None:
        """Try `step` until it works: what a service needs may come later than the service."""
        while not self._stop.is_set():
            try:
                await step()
            except ChannelNotFoundEntity as error:
                problem = f"{error}; run `postroom topology apply`"
            except (PublishError, SQLAlchemyError, *CONNECTION_EXCEPTIONS) as error:
                problem = f"{type(error).__name__}: {redact(str(error))}"
            else:
                self._problems.pop(what, None)
                return
            if self._problems.get(what) != problem:
                log.warning("Waiting for the %s (%s): %s", what, without_password(self._url), problem)
            self._problems[what] = problem
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), timeout=RETRY_SECONDS)
        raise _StoppedEarly

    def _give_up(self) -> None:
        self._exit_code = EXIT_LOST_CONSUMERS
        self.stop()

    def _in_background(self, stack: AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._background_ended)
        stack.callback(task.cancel)

    def _background_ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()):
            log.error("A background task failed; this process ends", exc_info=error)
            self._give_up()

    async def _measure_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(LAG_SECONDS)
            metrics.LOOP_LAG.set(max(0.0, loop.time() - began - LAG_SECONDS))
            self._health.loop_turned()

    async def _prune(self, inbox: Inbox) -> None:
        while True:
            with suppress(SQLAlchemyError, OSError):  # the next round comes anyway
                await inbox.prune()
            await asyncio.sleep(PRUNE_EVERY.total_seconds())


class _StopAtEnd(asyncio.Protocol):
    """Calls `stop` when the pipe to the supervisor breaks, because it ended in whatever way."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - however it ended
        self._stop()


class _StoppedEarly(Exception):
    """Stopped while still waiting for something to work."""


def _spare_the_collector() -> None:
    # What was loaded by now stays; looking through it at every turn of the collector would find nothing
    # (what that costs: docs/decisions/0002-intake.md).
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    # The database's thread gets its turn after 0.5 ms instead of 5.
    sys.setswitchinterval(0.0005)


async def _briefly(step: Callable[[], Awaitable[object]]) -> None:
    # On the way out: a database that is away must not hold the process.
    with suppress(TimeoutError, SQLAlchemyError, OSError):
        await asyncio.wait_for(step(), timeout=3)
