"""The two transports, each with its far side, for the suite that both pass."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import aio_pika

from postroom import wire
from postroom.broker.publishing import Publisher
from postroom.runtime.assembly import LoadedService, Runtime
from postroom.runtime.consuming.acknowledgement import Acknowledger
from postroom.runtime.rabbitmq import RabbitMqTransport
from postroom.runtime.serving import ServiceRunner
from postroom.runtime.transport import Transport
from postroom.settings import RuntimeSettings
from postroom.standalone.broker import SqliteBroker
from postroom.standalone.transport import SqlitePublisher, SqliteTransport
from postroom.testing import eventually
from postroom.wire.dead_letter import Envelope, read_dead_letter
from postroom.wire.messages import Event, Job
from postroom.worker import Adapters, Delivery, Worker
from tests.support.brokers import VirtualHost
from tests.support.patience import WORK, seconds
from tests.support.worker import WorkerVhost, depth, take_all

QUEUE = "chores.do"


class Do(Job):
    """Something to do."""

    kind: ClassVar[str] = QUEUE
    n: int = 0


class Happened(Event):
    """Something to listen to."""

    kind: ClassVar[str] = "thing.happened"


Dead = tuple[str, str]
"""Message id and error type of a dead letter."""


class Place(Protocol):
    """A transport's far side, with the queues of some workers."""

    @property
    def settings(self) -> RuntimeSettings:
        """A service's settings."""
        ...

    @property
    def publisher(self) -> Publisher:
        """Another program's."""
        ...

    def transport(self, service: str) -> Transport:
        """A service's, as in a process of its own."""
        ...

    def runner(self, *services: LoadedService) -> AbstractAsyncContextManager[ServiceRunner]:
        """These services, not served yet."""
        ...

    async def left(self, queue: str) -> int:
        """How many messages wait in a queue that nobody reads at this moment."""
        ...

    async def dead(self, queue: str) -> list[Dead]:
        """The dead letters of a queue, or those in `unrouted`; they may be taken out by that."""
        ...


OpenPlace = Callable[..., AbstractAsyncContextManager[Place]]
"""Opens a place with the queues of the given workers."""


@dataclass
class RabbitMqPlace:
    """A virtual host."""

    vhost: WorkerVhost
    settings: RuntimeSettings
    publisher: Publisher
    channel: aio_pika.abc.AbstractChannel

    def transport(self, service: str) -> RabbitMqTransport:
        """See Place."""
        return RabbitMqTransport(self.vhost.vhost.amqp_url, service)

    @asynccontextmanager
    async def runner(self, *services: LoadedService) -> AsyncIterator[ServiceRunner]:
        """See Place; in production each has a process of its own."""
        yield ServiceRunner(services, self.settings)

    async def left(self, queue: str) -> int:
        """See Place."""
        return await depth(self.channel, queue)

    async def dead(self, queue: str) -> list[Dead]:
        """See Place."""
        where = queue if queue == wire.UNROUTED_QUEUE else wire.dead_queue(queue)
        found = []
        for message in await take_all(self.channel, where):
            envelope = Envelope(message.headers, message.exchange or "", message.routing_key or "", message.message_id)
            found.append((message.message_id or "", read_dead_letter(envelope, queue=queue).error_type))
        return found


@asynccontextmanager
async def rabbitmq_place(vhost: VirtualHost, data_dir: Path, *workers: Worker) -> AsyncIterator[RabbitMqPlace]:
    """Queues on a RabbitMQ."""
    worker_vhost = WorkerVhost(vhost)
    await asyncio.to_thread(worker_vhost.apply, *workers)
    async with await aio_pika.connect(vhost.amqp_url) as connection, Publisher(vhost.amqp_url) as publisher:
        yield RabbitMqPlace(
            worker_vhost,
            worker_vhost.settings(data_dir, drain_seconds=seconds(WORK)),
            publisher,
            await connection.channel(),
        )


@dataclass
class SqlitePlace:
    """A file, opened by each program for itself."""

    settings: RuntimeSettings
    workers: tuple[Worker, ...]
    stack: AsyncExitStack
    publisher: Publisher = field(init=False)

    def __post_init__(self) -> None:
        self._own = self._opened()
        self.publisher = SqlitePublisher(self._own, "postroom")

    def transport(self, service: str) -> SqliteTransport:
        """See Place."""
        return SqliteTransport(self._opened(), service)

    @asynccontextmanager
    async def runner(self, *services: LoadedService) -> AsyncIterator[ServiceRunner]:
        """See Place."""
        yield ServiceRunner(services, self.settings, self.transport)

    async def left(self, queue: str) -> int:
        """See Place."""
        due = await self._own.next_due([queue], without=[])
        return await self._own.count_ready() if due else 0

    async def dead(self, queue: str) -> list[Dead]:
        """See Place."""
        return [(each.message_id, each.error_type) for each in await self._own.dead() if each.queue == queue]

    def _opened(self) -> SqliteBroker:
        broker = SqliteBroker(self.settings, [each for one in self.workers for each in one.subscriptions.values()])
        self.stack.push_async_callback(broker.close)
        return broker


@asynccontextmanager
async def sqlite_place(data_dir: Path, *workers: Worker) -> AsyncIterator[SqlitePlace]:
    """Queues in a file."""
    async with AsyncExitStack() as stack:
        place = SqlitePlace(
            RuntimeSettings(data_dir=data_dir, health_port=0, drain_seconds=seconds(WORK)), workers, stack
        )
        await place.publisher.connect()
        yield place


@dataclass
class KeepingReader:
    """Keeps what it is given; the test gives the verdicts."""

    queue: str
    prefetch: int = 100
    taken: list[Delivery] = field(default_factory=list)
    acks: list[Acknowledger] = field(default_factory=list)

    def take(self, delivery: Delivery, acks: Acknowledger) -> None:
        """See postroom.runtime.transport.QueueReader."""
        acks.received(delivery.tag)
        self.taken.append(delivery)
        self.acks.append(acks)

    @property
    def ids(self) -> list[str | None]:
        """The messages that were taken, in order."""
        return [delivery.message_id for delivery in self.taken]

    async def has(self, count: int) -> None:
        """Wait until so many were taken, one that came again counted again."""
        await eventually(lambda: len(self.taken) >= count)

    def done(self, *numbers: int) -> None:
        """Acknowledge those of these numbers, counted from 0."""
        for number in numbers:
            self.acks[number].done(self.taken[number].tag)


@asynccontextmanager
async def reading(place: Place, *readers: KeepingReader, service: str = "test") -> AsyncIterator[None]:
    """The readers at work, until their process dies at the end: nothing is flushed."""
    transport = place.transport(service)
    await transport.connect()
    consumers = await transport.consume(readers)
    watching = asyncio.create_task(consumers.watch())
    try:
        await eventually(lambda: not consumers.missing)
        yield
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        await consumers.close()
        await transport.close()


async def ignore(_message: Any) -> None:
    """Only its queue is wanted."""


def doing(do: Any = ignore, **options: Any) -> Worker:
    """The service `chores` with one kind of job."""
    worker = Worker("chores")
    worker.handles(Do, **options)(do)
    return worker


def listening(service: str, *events: type[Event]) -> Worker:
    """A service that listens to these events."""
    worker = Worker(service)
    for event in events:
        worker.listens(event)(ignore)
    return worker


def alerting() -> Worker:
    """Whoever is told of dead letters."""
    worker = Worker("alerting")
    worker.consumes(wire.ALERTING_QUEUE)(ignore)
    return worker


@asynccontextmanager
async def nothing(_runtime: Runtime) -> AsyncIterator[Adapters]:
    """No adapters."""
    yield {}


@asynccontextmanager
async def serving(place: Place, worker: Worker) -> AsyncIterator[ServiceRunner]:
    """A service with this worker, ready; stopped cleanly at the end."""
    async with place.runner(LoadedService(worker, nothing)) as runner:
        task = asyncio.create_task(runner.serve())
        try:
            await eventually(lambda: not runner.problems())
            yield runner
        finally:
            runner.stop()
            assert await task == 0


async def put(place: Place, *ids: str) -> None:
    """Publish a job of each id, in this order."""
    for message_id in ids:
        await place.publisher.publish(Do(), message_id=message_id)


async def is_dead(place: Place, queue: str = QUEUE) -> tuple[str, str]:
    """The one dead letter of a queue, once it is there."""

    async def look() -> list[tuple[str, str]]:
        return await place.dead(queue)

    [letter] = await eventually(look)
    return letter
