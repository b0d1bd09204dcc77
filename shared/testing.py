"""A test kit for people who write their own services.

`perform` runs a handler the way the worker does, without a broker. `running` starts the real runtime inside a
test. `eventually` waits for a condition instead of sleeping.
"""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import orjson

from shared.messages import Event, Message, SendEmail, UserCreated
from shared.publishing import Outgoing, PublishOptions
from shared.publishing.outgoing import NO_OPTIONS, address
from shared.settings import RuntimeSettings
from shared.wire import JOBS, listener_queue
from shared.worker.decoding import decode
from shared.worker.delivery import Delivery
from shared.worker.registration import Adapters, Worker
from shared.worker.runtime import MakeAdapters, Service

Answer = TypeVar("Answer")


async def perform(
    worker: Worker,
    message: Message,
    adapters: Adapters | None = None,
    *,
    message_id: str = "test-1",
    headers: Mapping[str, Any] | None = None,
) -> None:
    """Do `message` with the worker's handler for it, after a round trip through JSON as on the wire.

    Raises what the handler raises, ConfigurationError when an adapter is missing, KeyError when the worker has no
    handler for it, InvalidMessage when the message does not survive the wire.
    """
    is_event = isinstance(message, Event)
    queue = listener_queue(worker.service, message.kind) if is_event else message.kind
    subscription = worker.subscriptions[queue]
    delivery = make_delivery(message, queue=queue, message_id=message_id, headers=headers or {})
    handler = subscription.bind(adapters or {})
    await handler(decode(delivery, type(message)), delivery)


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


async def eventually(
    check: Callable[[], Answer | Awaitable[Answer]], within: timedelta = timedelta(seconds=10)
) -> Answer:
    """The first true answer of `check`, asked again and again.

    An AssertionError from `check` counts as not yet. After `within`, raises AssertionError with the last reason.
    """
    deadline = time.monotonic() + within.total_seconds()
    pause = 0.01
    while True:
        reason = "it stayed false"
        try:
            answer = check()
            result = await answer if inspect.isawaitable(answer) else answer
            if result:
                return result
        except AssertionError as error:
            reason = str(error) or "an assertion in it failed"
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within.total_seconds():g} s: {reason}")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.25)


@asynccontextmanager
async def running(worker: Worker, adapters: Adapters, settings: RuntimeSettings) -> AsyncIterator[Service]:
    """The worker's real runtime, ready, inside the test's event loop; stopped cleanly at the end."""
    async with running_with(worker, _constant(adapters), settings) as service:
        yield service


@asynccontextmanager
async def running_with(worker: Worker, make: MakeAdapters, settings: RuntimeSettings) -> AsyncIterator[Service]:
    """Like `running`, with adapters that are opened and closed by the service."""
    service = Service(worker, make, settings)
    task = asyncio.create_task(service.serve())
    try:
        await eventually(lambda: task.done() or not service.problems(), within=timedelta(seconds=30))
        if task.done():
            task.result()
        yield service
    finally:
        service.stop()
        await task


def _constant(adapters: Adapters) -> MakeAdapters:
    @asynccontextmanager
    async def make(_runtime: Any) -> AsyncIterator[Adapters]:
        yield adapters

    return make


@dataclass
class FrozenClock:
    """A clock that moves only when told to."""

    now: datetime = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The frozen moment."""
        return self.now

    def advance(self, by: timedelta) -> None:
        """Move it."""
        self.now += by


@dataclass
class RecordingPublisher:
    """A publisher that keeps what it is given instead of sending it."""

    published: list[Message] = field(default_factory=list)
    sent: list[Outgoing] = field(default_factory=list)

    async def publish(
        self, message: Message, *, message_id: str | None = None, options: PublishOptions = NO_OPTIONS
    ) -> str:
        """Keep `message`."""
        outgoing = address(message, message_id, options, "test")
        self.published.append(message)
        self.sent.append(outgoing)
        return outgoing.message_id


def make_send_email(**changes: Any) -> SendEmail:
    """A mail to Ada, with `changes` to its fields."""
    fields = {"to": "ada@example.com", "subject": "Your receipt", "body": "Thank you."}
    return SendEmail.model_validate({**fields, **changes})


def make_user_created(**changes: Any) -> UserCreated:
    """Ada signing up, with `changes` to the event's fields."""
    fields = {"id": 7, "email": "ada@example.com", "name": "Ada", "locale": "en"}
    return UserCreated.model_validate({**fields, **changes})
