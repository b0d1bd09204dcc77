"""One service put together: its database, its inbox, its adapters and its processors on a transport, and their end.

Which transport that is, and what process this is, is somebody else's business: see serving.py for the process, and
postroom.standalone for several services in one process without a broker.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.resources.abc import Traversable
from typing import NamedTuple, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from postroom.broker.publishing import Publisher
from postroom.privacy.redaction import redact
from postroom.runtime.background import in_background
from postroom.runtime.circuit import CircuitBreaker
from postroom.runtime.circuit.outages import OutagePublisher
from postroom.runtime.history.measurements import MeasurementPublisher
from postroom.runtime.history.outbox import HistoryOutbox
from postroom.runtime.inbox import Inbox
from postroom.runtime.periodic import do_every
from postroom.runtime.processing.processor import Processor
from postroom.runtime.transport import Consumers, Transport
from postroom.service import Service
from postroom.settings import RuntimeSettings, read_settings
from postroom.storage.database import Database
from postroom.wire.errors import PublishError
from postroom.worker.registration import Adapters, Worker

log = logging.getLogger(__name__)

RETRY_SECONDS = 2.0
PRUNE_EVERY = timedelta(minutes=10)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a service's `adapters` may build on.

    Attributes:
        replicas: how many processes of this service work on the same database now, this one included.
        problems: where an adapter tells what stands in its way, by name, for `/readyz`.
        has_broker: whether there is a RabbitMQ, which can be asked by its management API.
        give_up: ends the process, to be started again; for what an adapter does beside the messages, see
            postroom.runtime.background.
    """

    settings: RuntimeSettings
    database: Database
    publisher: Publisher
    replicas: Callable[[], int]
    problems: dict[str, str] = field(default_factory=dict)
    has_broker: bool = True
    give_up: Callable[[], None] = lambda: None


MakeAdapters = Callable[[Runtime], AbstractAsyncContextManager[Adapters]]
"""Opens a service's adapters, by port, and closes them when the service stops."""


class LoadedService(NamedTuple):
    """What of a service is at work: its handlers, what opens their adapters, the folder of its migrations."""

    worker: Worker
    adapters: MakeAdapters
    migrations: Traversable | None = None

    @property
    def name(self) -> str:
        """The service's name."""
        return self.worker.service


def load_service(service: Service) -> LoadedService:
    """Import a declared service and read its settings. Raises ConfigurationError, also for a wrong setting."""
    for own in service.load_settings():
        read_settings(own)
    return LoadedService(service.load_worker(), service.load_adapters(), service.migrations_folder())


class Assembly:
    """One service on its transport, from its start to the end of what it had in work.

    Args:
        service: what is put together.
        settings: the runtime's.
        transport: its messages.
        stop: set when it is to stop.
        give_up: called when a part of it has ended that should not have, or its consumers are lost for good.

    Attributes:
        inbox: there as soon as there is a database.
        consumers: there as soon as the queues are read.
        is_ready: set as long as it works.
    """

    def __init__(
        self,
        service: LoadedService,
        settings: RuntimeSettings,
        transport: Transport,
        *,
        stop: asyncio.Event,
        give_up: Callable[[], None],
    ) -> None:
        self.name = service.name
        self.circuit = CircuitBreaker(self.name)
        self.inbox: Inbox | None = None
        self.consumers: Consumers | None = None
        self.is_ready = asyncio.Event()
        self._service = service
        self._settings = settings
        self._transport = transport
        self._stop = stop
        self._give_up = give_up
        self._problems: dict[str, str] = {"start": "not started yet"}
        self._adapters_problems: dict[str, str] = {}

    def problems(self) -> dict[str, str]:
        """What stands in the way of working, by name, for `/readyz`. May be asked from another thread."""
        problems = {**self._problems, **self._adapters_problems}
        if self.inbox is not None and self.inbox.is_failing:
            problems["database"] = "does not take writes"
        if self.consumers is not None and (missing := self.consumers.missing):
            problems["consumers"] = f"not at the broker: {', '.join(sorted(missing))}"
        return problems

    async def run(self) -> None:
        """Wait for what it needs, work until `stop` is set, then finish what is in work.

        Raises what its adapters raise when they are opened, and ConfigurationError for tables of another version.
        """
        async with AsyncExitStack() as stack:
            with suppress(_StoppedEarly):
                await self._run(stack)

    async def _run(self, stack: AsyncExitStack) -> None:
        database = Database(self._settings.service_database_url(self.name), self.name, self._service.migrations)
        stack.push_async_callback(database.close)
        await self._until_it_works("database", database.migrate)
        stack.push_async_callback(self._transport.close)
        await self._until_it_works("broker", self._transport.connect)
        self.inbox = inbox = await self._join(stack, database)
        adapters = await stack.enter_async_context(self._service.adapters(self._runtime(database, inbox)))
        processors = self._processors(adapters, inbox)
        self.consumers = consumers = await self._until_it_works("topology", lambda: self._transport.consume(processors))
        stack.push_async_callback(consumers.close)
        watching = in_background(stack, consumers.watch(), self._give_up)
        publishing = self._start_publishing(stack, database, inbox, processors)
        self._problems.clear()
        self.is_ready.set()
        log.info("Ready: reading %s", ", ".join(self._service.worker.subscriptions))
        await self._stop.wait()
        self._problems["stop"] = "stopping"
        self.is_ready.clear()
        log.info("Stopping: no new messages, finishing what is in work")
        watching.cancel()  # whose consumers are about to go
        await self._drain(consumers, processors)
        for publish in publishing:
            await _briefly(publish)

    async def _join(self, stack: AsyncExitStack, database: Database) -> Inbox:
        """The inbox, with this process among the living."""
        inbox = Inbox(database)
        await self._until_it_works("database", inbox.liveness.join)
        stack.push_async_callback(_briefly, inbox.liveness.leave)
        in_background(stack, inbox.liveness.send_heartbeats(), self._give_up)
        in_background(stack, _keep_pruning(inbox), self._give_up)
        return inbox

    def _runtime(self, database: Database, inbox: Inbox) -> Runtime:
        return Runtime(
            self._settings,
            database,
            self._transport.publisher,
            replicas=inbox.liveness.count,
            problems=self._adapters_problems,
            has_broker=self._transport.has_broker,
            give_up=self._give_up,
        )

    def _processors(self, adapters: Adapters, inbox: Inbox) -> list[Processor]:
        publisher, alone, circuit = self._transport.publisher, asyncio.Lock(), self.circuit
        return [
            Processor(subscription, adapters, inbox=inbox, publisher=publisher, alone=alone, circuit=circuit)
            for subscription in self._service.worker.subscriptions.values()
        ]

    def _start_publishing(
        self, stack: AsyncExitStack, database: Database, inbox: Inbox, processors: Sequence[Processor]
    ) -> "list[Callable[[], Awaitable[object]]]":
        """Publish what others are to know of this service's work; the answer publishes what is left at the end."""
        publisher = self._transport.publisher
        measurements = MeasurementPublisher(
            self.name, publisher, {processor.queue: processor.meter for processor in processors}
        )
        outages = OutagePublisher(self.name, inbox.holder, self.circuit, publisher)
        outbox = HistoryOutbox(self.name, inbox, database, publisher)
        for each in (measurements, outages, outbox):
            in_background(stack, each.keep_publishing(), self._give_up)
        return [measurements.publish, outbox.publish]

    async def _drain(self, consumers: Consumers, processors: Sequence[Processor]) -> None:
        deadline = asyncio.get_running_loop().time() + self._settings.drain_seconds
        await consumers.cancel()
        await asyncio.gather(*(processor.drain(deadline) for processor in processors))
        await consumers.flush()

    async def _until_it_works(self, what: str, step: Callable[[], Awaitable[Result]]) -> Result:
        """The answer of `step`, once it works: what a service needs may come later than the service."""
        while not self._stop.is_set():
            try:
                answer = await step()
            except (PublishError, SQLAlchemyError, OSError) as error:
                problem = f"{type(error).__name__}: {redact(str(error))}"
            else:
                self._problems.pop(what, None)
                return answer
            if self._problems.get(what) != problem:
                log.warning("Waiting for the %s (%s): %s", what, self._transport.address, problem)
            self._problems[what] = problem
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), timeout=RETRY_SECONDS)
        raise _StoppedEarly


class _StoppedEarly(Exception):
    """Stopped while still waiting for something to work."""


async def _keep_pruning(inbox: Inbox) -> None:
    await do_every(PRUNE_EVERY, inbox.prune, "Pruning the inbox", tolerated=(SQLAlchemyError, OSError))


async def _briefly(step: Callable[[], Awaitable[object]]) -> None:
    # On the way out: a database that is away must not hold the process.
    with suppress(TimeoutError, SQLAlchemyError, OSError):
        await asyncio.wait_for(step(), timeout=3)
