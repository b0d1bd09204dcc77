"""All services in one process, on a broker of their own: the same handlers, retries, dead letters and done-once."""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import uvloop
from sqlalchemy.exc import SQLAlchemyError

from postroom import installation, wire
from postroom.privacy.redaction import redact
from postroom.runtime.assembly import LoadedService, Runtime, load_service
from postroom.runtime.circuit import CircuitBreaker
from postroom.runtime.consuming.acknowledgement import Acknowledger
from postroom.runtime.health import HealthServer
from postroom.runtime.history.outbox import HistoryOutbox
from postroom.runtime.inbox import Inbox
from postroom.runtime.process import EXIT_CONFIGURATION
from postroom.runtime.processing.processor import Processor
from postroom.settings import RuntimeSettings, read_settings
from postroom.standalone.broker import LocalBroker
from postroom.storage.database import Database
from postroom.telemetry.logs import set_up_logs
from postroom.wire.errors import ConfigurationError

log = logging.getLogger(__name__)

RETRY_SECONDS = 2.0
LONGEST_SLEEP_SECONDS = 0.5
"""How long what another process put into the file may stay unseen."""


class _Queue:
    """What an Acknowledger and a loop need of one queue: the methods of an AMQP channel, on rows."""

    is_closed = False

    def __init__(self, broker: LocalBroker, processor: Processor) -> None:
        self._broker = broker
        self._processor = processor
        self._acknowledger = Acknowledger(cast("Any", self))  # it calls no more than is here
        self._last_tag = 0
        self._in_work: dict[int, int] = {}  # tag, counted up as a channel does: row

    @property
    def closing(self) -> "asyncio.Future[None]":
        """Never done: a file does not take its messages back."""
        return asyncio.get_running_loop().create_future()

    @property
    def rows_in_work(self) -> list[int]:
        """The rows that were begun and are not settled."""
        return list(self._in_work.values())

    async def fill(self) -> bool:
        """Begin what is due, up to the prefetch; whether there was anything."""
        room = self._processor.prefetch - len(self._in_work)
        if room <= 0:
            return False
        found = await self._broker.due(self._processor.queue, set(self._in_work.values()), room)
        for delivery in found:
            self._last_tag += 1
            self._in_work[self._last_tag], delivery.tag = delivery.tag, self._last_tag
            self._processor.take(delivery, self._acknowledger)
        return bool(found)

    async def drain(self, deadline: float) -> None:
        """Finish what is in work."""
        await self._processor.drain(deadline)
        await self._acknowledger.flush()

    async def basic_ack(self, tag: int, *, multiple: bool = False, wait: bool = False) -> None:  # noqa: ARG002 - AMQP's
        """Done: this one, or all up to it."""
        done = {each: row for each, row in self._in_work.items() if each == tag or (multiple and each < tag)}
        await self._broker.remove(list(done.values()))
        self._forget(done)

    async def basic_nack(self, tag: int, *, requeue: bool = True, wait: bool = False) -> None:  # noqa: ARG002 - AMQP's
        """Ready again, or dead."""
        row = self._in_work[tag]
        if not requeue or await self._broker.deliveries(row) >= wire.DELIVERY_LIMIT:
            await self._broker.bury(row)
        self._forget([tag])

    basic_reject = basic_nack

    def _forget(self, tags: Iterable[int]) -> None:
        # Only now, or `fill` would begin the rows again; acknowledgements under way at once may have the same tags.
        for tag in tags:
            self._in_work.pop(tag, None)
        self._broker.changed.set()


class LocalRunner:
    """Services at work in this process.

    Attributes:
        broker: where to publish, and what is dead.
        problems: what stands in the way of working, by name.
    """

    def __init__(self, broker: LocalBroker) -> None:
        self.broker = broker
        self.problems: dict[str, str] = {}
        self.queues: list[_Queue] = []
        self._is_stopping = False

    async def drained(self, within: timedelta) -> None:
        """Wait until nothing waits nor is in work. Raises TimeoutError."""
        async with asyncio.timeout(within.total_seconds()):
            while await self.broker.count_ready():
                await asyncio.sleep(0.02)

    async def keep_working(self) -> None:
        """Take what is due, until cancelled or stopped."""
        while not self._is_stopping:
            try:
                await self._work()
            except (SQLAlchemyError, OSError) as error:
                self.problems["local"] = f"{type(error).__name__}: the file of messages cannot be used"
                log.warning("The file of messages cannot be used: %s", type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self.problems.pop("local", None)

    async def _work(self) -> None:
        self.broker.changed.clear()
        if not any([await queue.fill() for queue in self.queues]):
            begun = [row for queue in self.queues for row in queue.rows_in_work]
            next_due = await self.broker.next_due(without=begun)
            wait = (next_due - datetime.now(UTC)).total_seconds() if next_due else LONGEST_SLEEP_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(min(max(wait, 0.02), LONGEST_SLEEP_SECONDS)):
                    await self.broker.changed.wait()

    async def stop(self, seconds: float) -> None:
        """Take nothing more, and finish what is in work."""
        self._is_stopping = True
        deadline = asyncio.get_running_loop().time() + seconds
        await asyncio.gather(*(queue.drain(deadline) for queue in self.queues))


@asynccontextmanager
async def open_local_runner(
    settings: RuntimeSettings, services: Iterable[LoadedService] | None = None
) -> AsyncIterator[LocalRunner]:
    """The services at work until the end of the block; by default all of this installation.

    Raises ConfigurationError when a setting of one of them is wrong, or a PostgreSQL is configured.
    """
    if settings.database_url is not None:
        raise ConfigurationError("JOB_RUNNER=cron works on SQLite files of its own; unset POSTROOM_DATABASE_URL")
    chosen = list(services) if services is not None else [load_service(each) for each in installation.services()]
    subscriptions = [each for service in chosen for each in service.worker.subscriptions.values()]
    async with AsyncExitStack() as stack:
        broker = LocalBroker(settings, subscriptions)
        await broker.connect()
        stack.push_async_callback(broker.close)
        runner = LocalRunner(broker)
        for service in chosen:
            await _join(stack, runner, settings, service)
        _in_background(stack, runner.keep_working())
        try:
            yield runner
        finally:
            await runner.stop(settings.drain_seconds)


def run_locally() -> None:
    """Run all services in this process until SIGTERM or SIGINT; the exit code is 78 for wrong settings."""
    code = 0
    try:
        settings = read_settings(RuntimeSettings)
        set_up_logs("local", settings.log_format, settings.log_level)
        uvloop.run(_serve(settings))
    except ConfigurationError as error:
        print(f"scheduler: {redact(str(error))}", file=sys.stderr)  # noqa: T201 - logs may not be set up
        code = EXIT_CONFIGURATION
    sys.exit(code)


async def _serve(settings: RuntimeSettings) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    problems = {"start": "not started yet"}
    health = HealthServer(settings.health_host, settings.health_port, lambda: problems)
    health.start()
    try:
        async with open_local_runner(settings) as runner:
            problems = runner.problems
            log.info("Ready without a broker: %d queues; health at %s/readyz", len(runner.queues), health.url)
            while not stop.is_set():
                health.loop_turned()
                with suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        await stop.wait()
            log.info("Stopping: finishing what is in work")
    finally:
        health.close()


async def _join(stack: AsyncExitStack, runner: LocalRunner, settings: RuntimeSettings, service: LoadedService) -> None:
    worker, adapters, migrations = service
    database = Database(settings.service_database_url(worker.service), worker.service, migrations)
    stack.push_async_callback(database.close)
    await database.migrate()
    inbox = Inbox(database)
    await inbox.liveness.join()
    stack.push_async_callback(inbox.liveness.leave)
    _in_background(stack, inbox.liveness.send_heartbeats())
    runtime = Runtime(settings, database, runner.broker, lambda: 1, runner.problems)
    given = await stack.enter_async_context(adapters(runtime))
    _in_background(stack, HistoryOutbox(worker.service, inbox, database, runner.broker).keep_publishing())
    alone, circuit = asyncio.Lock(), CircuitBreaker()
    for subscription in worker.subscriptions.values():
        processor = Processor(subscription, given, inbox=inbox, publisher=runner.broker, alone=alone, circuit=circuit)
        runner.queues.append(_Queue(runner.broker, processor))


def _in_background(stack: AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.get_running_loop().create_task(work)

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(end)
