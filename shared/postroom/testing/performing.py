"""Runs one handler without a broker, or the real runtime inside a test."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.resources.abc import Traversable
from typing import Any

import orjson

from postroom.runtime.assembly import LoadedService, MakeAdapters, load_service
from postroom.runtime.consuming.decoding import decode
from postroom.runtime.serving import ServiceRunner
from postroom.service import Service
from postroom.settings import RuntimeSettings
from postroom.standalone.broker import SqliteBroker
from postroom.standalone.runner import open_standalone
from postroom.testing.waiting import eventually
from postroom.wire import JOBS, listener_queue
from postroom.wire.messages import Event, Message
from postroom.worker.delivery import Delivery
from postroom.worker.registration import Adapters, ProviderContact, Worker


async def perform(
    worker: Worker,
    message: Message,
    adapters: Adapters | None = None,
    *,
    message_id: str = "test-1",
    headers: Mapping[str, Any] | None = None,
) -> ProviderContact | None:
    """Do `message` with the worker's handler for it, after a round trip through JSON as on the wire; what it returns.

    Raises what the handler raises, ConfigurationError when an adapter is missing, KeyError when the worker has no
    handler for it, InvalidMessage when the message does not survive the wire.
    """
    is_event = isinstance(message, Event)
    queue = listener_queue(worker.service, message.kind) if is_event else message.kind
    subscription = worker.subscriptions[queue]
    delivery = make_delivery(message, queue=queue, message_id=message_id, headers=headers or {})
    handler = subscription.bind(adapters or {})
    return await handler(decode(delivery, type(message)), delivery)


def make_delivery(message: Message | bytes, **changes: Any) -> Delivery:
    """A delivery of `message` as the broker would hand it over, with `changes` to its fields."""
    body = message if isinstance(message, bytes) else orjson.dumps(message.to_wire())
    kind = "test.do" if isinstance(message, bytes) else message.kind
    fields: dict[str, Any] = {
        "queue": kind,
        "body": body,
        "message_id": "test-1",
        "content_type": "application/json",
        "headers": {},
        "exchange": JOBS,
        "routing_key": kind,
        "tag": 1,
    }
    return Delivery(**{**fields, **changes})


@asynccontextmanager
async def running(worker: Worker, adapters: Adapters, settings: RuntimeSettings) -> AsyncIterator[ServiceRunner]:
    """The worker's real runtime, ready, inside the test's event loop; stopped cleanly at the end."""
    async with running_with(worker, _constant(adapters), settings=settings) as service:
        yield service


@asynccontextmanager
async def running_service(service: Service, settings: RuntimeSettings) -> AsyncIterator[ServiceRunner]:
    """Like `running`, with all that the service declares: its own adapters, tables and settings."""
    async with running_with(*load_service(service), settings=settings) as runner:
        yield runner


@asynccontextmanager
async def running_with(
    worker: Worker, make: MakeAdapters, migrations: Traversable | None = None, *, settings: RuntimeSettings
) -> AsyncIterator[ServiceRunner]:
    """Like `running`, with adapters that are opened and closed by the service."""
    async with _served(ServiceRunner([LoadedService(worker, make, migrations)], settings)) as service:
        yield service


@asynccontextmanager
async def running_standalone(
    services: Sequence[LoadedService], settings: RuntimeSettings
) -> AsyncIterator[SqliteBroker]:
    """These services at work in one process without a broker, and the file with their messages."""
    async with open_standalone(settings, services) as (runner, broker), _served(runner):
        yield broker


@asynccontextmanager
async def _served(runner: ServiceRunner) -> AsyncIterator[ServiceRunner]:
    """Ready, inside the test's event loop; stopped cleanly at the end."""
    task = asyncio.create_task(runner.serve())
    try:
        await eventually(lambda: task.done() or not runner.problems(), within=timedelta(minutes=1))
        if task.done():
            task.result()
        yield runner
    finally:
        runner.stop()
        await task


def _constant(adapters: Adapters) -> MakeAdapters:
    @asynccontextmanager
    async def make(_runtime: Any) -> AsyncIterator[Adapters]:
        yield adapters

    return make
