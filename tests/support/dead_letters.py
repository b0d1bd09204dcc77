"""A work queue with its dead letters on a real broker, and a way to look into both."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue
from click.testing import Result

from postroom import wire
from postroom.operator.dead_letters import (
    ReplayRate,
    RunControl,
    RunOutcome,
    Selection,
    discard,
    reading,
    replay,
    target_of,
)
from postroom.operator.dead_letters.selection import EVERY
from postroom.testing import eventually
from postroom.wire.messages import DeadLetterReplayed
from tests.support.brokers import VirtualHost
from tests.support.patience import REACTION, seconds

QUORUM = {"x-queue-type": "quorum"}
WORK, DEAD = "email.send", "email.send.dead"
TARGET = target_of(DEAD)
REPLAY_EVENTS = "replay-events"
DeadCommand = Callable[..., Awaitable[Result]]
"""See tests/integration/conftest.py."""


@dataclass
class DeadLetterHarness:
    """An open channel on a virtual host with `email.send`, its `.dead` queue and the net between them."""

    channel: AbstractChannel

    async def bury(self, *ids: str, error: str = "550 no such user", queue: str = DEAD, **changes: Any) -> None:
        """Put dead letters into a queue as the worker does, all at once."""
        exchange = self.channel.default_exchange
        await asyncio.gather(*(exchange.publish(dead_message(one, error, **changes), queue) for one in ids))

    async def depth(self, queue: str) -> int:
        """How many messages are ready in `queue`."""
        declared = await self.channel.declare_queue(queue, passive=True)
        return declared.declaration_result.message_count or 0

    async def has(self, queue: str, expected: int) -> None:
        """Wait until so many messages are ready in `queue`: a broker settles acknowledgements a moment later."""

        async def depth() -> bool:
            assert await self.depth(queue) == expected
            return True

        await eventually(depth)

    async def drain(self, queue: str) -> list[AbstractIncomingMessage]:
        """Take all messages out of `queue`, in order."""
        source: AbstractQueue = await self.channel.get_queue(queue, ensure=False)
        taken = []
        while (message := await source.get(no_ack=True, fail=False)) is not None:
            taken.append(message)
        return taken

    async def drain_with_acks(self, queue: str) -> list[AbstractIncomingMessage]:
        """All messages of `queue`, for the test to settle."""
        source: AbstractQueue = await self.channel.get_queue(queue, ensure=False)
        taken = []
        while (message := await source.get(fail=False)) is not None:
            taken.append(message)
        return taken

    async def ids(self, queue: str) -> list[str]:
        """Take all messages out of `queue`, and give their ids."""
        return [message.message_id or "" for message in await self.drain(queue)]


def dead_message(message_id: str, error: str, **changes: Any) -> aio_pika.Message:
    """What the worker writes: the publisher's message, with its reason in the headers."""
    headers: Mapping[str, Any] = {
        wire.X_ATTEMPT: 5,
        wire.X_ATTEMPTS: 5,
        wire.X_ERROR_TYPE: "RecipientRefused",
        wire.X_ERROR: f"ada@example.com: {error}",
        wire.X_FAILED_AT: (datetime.now(UTC) - timedelta(minutes=3)).isoformat(),
        wire.X_QUEUE: WORK,
        wire.X_ROUTING_KEY: WORK,
    } | changes.pop("headers", {})
    fields: dict[str, Any] = {
        "body": json.dumps({"to": "ada@example.com", "subject": "Hi", "body": "there"}).encode(),
        "content_type": "application/json",
        "delivery_mode": 2,
        "message_id": message_id,
        "headers": dict(headers),
    } | changes
    return aio_pika.Message(**fields)


@asynccontextmanager
async def dead_harness_on(url: str) -> AsyncIterator[DeadLetterHarness]:
    """The queues, declared by hand, and the net: what `email.send` rejects lands in `email.send.dead`.

    Commands here wait for what a slow broker does later than they would wait elsewhere.
    """
    connection = await aio_pika.connect(url)
    with pytest.MonkeyPatch.context() as patient:
        for name in ("GLANCE_SECONDS", "GIVEN_BACK_SECONDS"):
            patient.setattr(reading, name, seconds(REACTION))
        async with connection:
            yield await _declared(connection)


async def _declared(connection: AbstractConnection) -> DeadLetterHarness:
    channel = await connection.channel()
    dead_letters = await channel.declare_exchange(wire.DEAD_LETTERS, "topic", durable=True)
    await channel.declare_exchange(wire.EVENTS, "topic", durable=True)
    net = {"x-dead-letter-exchange": wire.DEAD_LETTERS, "x-dead-letter-routing-key": WORK}
    await channel.declare_queue(WORK, durable=True, arguments=QUORUM | net)
    dead = await channel.declare_queue(DEAD, durable=True, arguments=QUORUM)
    await dead.bind(dead_letters, WORK)
    return DeadLetterHarness(channel)


def impatient_after(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Have readers wait for no more once so many messages came, and for those as long as the machine needs."""
    came, come = 0, reading.Reader._come
    monkeypatch.setattr(reading, "PATIENCE_SECONDS", seconds(REACTION))

    async def and_then(reader: reading.Reader, wanted: int) -> list[AbstractIncomingMessage]:
        nonlocal came
        if came >= count:
            reader._patience = 0.0
        found = await come(reader, wanted)
        came += len(found)
        return found

    monkeypatch.setattr(reading.Reader, "_come", and_then)


def names(count: int, prefix: str = "m") -> list[str]:
    """So many ids: `m-0`, `m-1` and so on."""
    return [f"{prefix}-{number}" for number in range(count)]


async def replay_all(vhost: VirtualHost, selection: Selection = EVERY, **options: Any) -> RunOutcome:
    """Replay the dead letters of `email.send` that are selected, as fast as it goes."""
    given = {"rate": ReplayRate(), "control": RunControl()} | options
    return await replay(vhost.amqp_url, TARGET, selection, **given)


async def discard_all(vhost: VirtualHost, selection: Selection = EVERY, **options: Any) -> RunOutcome:
    """Discard the dead letters of `email.send` that are selected."""
    return await discard(vhost.amqp_url, TARGET, selection, **{"reason": "a test", "control": RunControl()} | options)


async def receive_replay_events(dead_harness: DeadLetterHarness) -> DeadLetterHarness:
    """Have `dead-letter.replayed` collected from now on, for `replay_events`."""
    listener = await dead_harness.channel.declare_queue(REPLAY_EVENTS, durable=True, arguments=QUORUM)
    await listener.bind(wire.EVENTS, DeadLetterReplayed.kind)
    return dead_harness


async def replay_events(dead_harness: DeadLetterHarness) -> list[DeadLetterReplayed]:
    """The events that came since the last call."""
    return [DeadLetterReplayed.model_validate_json(message.body) for message in await dead_harness.drain(REPLAY_EVENTS)]
