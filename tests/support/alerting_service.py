"""The alerting service's queues and tables, as tests fill and read them."""

import json
from datetime import UTC, datetime
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel
from sqlalchemy import select

from postroom import wire
from postroom.storage.database import Database
from postroom_alerting.models import FailureGroupRow, IncidentRow

CANARY = "canary-4711-token"


async def bury(channel: AbstractChannel, message_id: str, **changes: Any) -> None:
    """Publish a dead letter as a worker does."""
    headers = {
        wire.X_ERROR_TYPE: "RecipientRefused",
        wire.X_ERROR: "ada@example.com: 550 5.1.1 no such user",
        wire.X_FAILED_AT: datetime.now(UTC).isoformat(),
        wire.X_QUEUE: "email.send",
        wire.X_ROUTING_KEY: "email.send",
        wire.X_ATTEMPT: 1,
    } | changes.pop("headers", {})
    body = changes.pop("body", json.dumps({"to": "ada@example.com", "password": CANARY}).encode())
    exchange = await channel.get_exchange(wire.DEAD_LETTERS, ensure=False)
    message = aio_pika.Message(body, message_id=message_id, headers=headers, delivery_mode=2)
    await exchange.publish(message, changes.pop("routing_key", "email.send"))


async def rows(database: Database, model: Any) -> list[Any]:
    async with database.session() as session:
        return list((await session.execute(select(model))).scalars())


async def counted(database: Database, total: int) -> bool:
    return sum(row.count for row in await rows(database, FailureGroupRow)) == total


async def are(database: Database, *states: str) -> bool:
    """Whether these are the states of all groups."""
    return sorted(row.state for row in await rows(database, IncidentRow)) == sorted(states)


async def depth(channel: AbstractChannel, queue: str) -> int:
    return (await channel.declare_queue(queue, passive=True)).declaration_result.message_count or 0


async def depth_is(channel: AbstractChannel, queue: str, expected: int) -> bool:
    return await depth(channel, queue) == expected


async def failed_events(channel: AbstractChannel) -> Any:
    queue = await channel.declare_queue("listener", durable=True, arguments={"x-queue-type": "quorum"})
    await queue.bind(wire.EVENTS, "job.failed")
    return queue
