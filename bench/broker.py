"""The broker of a run: queues filled with jobs or read, a virtual host of one's own, a node of one's own."""

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

import aio_pika

from postroom.broker.management import Management, PermissionInfo
from postroom.devkit.broker_node import BrokerNode, find_broker
from postroom.operator.cli.up import apply_to
from postroom.settings import RuntimeSettings

BODY = b'{"to": "ada@example.com", "subject": "Hello", "body": "Hi Ada"}'


async def fill(url: str, queue: str, messages: int) -> None:
    """Declare the quorum queue and put that many jobs into it, each with an id of its own."""
    run = uuid.uuid4().hex[:8]
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.declare_queue(queue, durable=True, arguments={"x-queue-type": "quorum"})
        for start in range(0, messages, 500):
            await asyncio.gather(*(_publish(channel, queue, f"{run}-{start + i}") for i in range(500)))


async def drop(url: str, queue: str) -> None:
    """Remove the queue."""
    async with await aio_pika.connect(url) as connection:
        await (await connection.channel()).queue_delete(queue)


async def put_astray(url: str, queue: str) -> None:
    """Make a queue that belongs to nothing, with one message in it."""
    await fill(url, queue, 0)
    async with await aio_pika.connect(url) as connection:
        await _publish(await connection.channel(), queue, queue)


@asynccontextmanager
async def arrivals_in(url: str, queue: str) -> AsyncIterator[dict[str, float]]:
    """When each message came into `queue`, by its id, from now on (`time.perf_counter`). They are taken out of it."""
    arrivals: dict[str, float] = {}

    async def note(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        arrivals.setdefault(message.message_id or "", time.perf_counter())

    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await (await channel.get_queue(queue)).consume(note, no_ack=True)
        yield arrivals


@contextmanager
def own_virtual_host(broker: BrokerNode) -> Iterator[BrokerNode]:
    """A virtual host with the topology of all services, removed at the end with all that is in it."""
    path = f"bench-{uuid.uuid4().hex[:8]}"
    place = replace(broker, amqp_url=urlunsplit(urlsplit(broker.amqp_url)._replace(path=f"/{path}")))
    settings = RuntimeSettings.model_validate({"amqp_url": place.amqp_url, "management_url": place.management_url})
    with Management.from_settings(settings) as management:
        management.create_virtual_host()
        try:
            management.put_permission(PermissionInfo(settings.broker_management()[1], ".*", ".*", ".*"))
            apply_to(place)
            yield place
        finally:
            management.delete_virtual_host()


def own_node() -> AbstractContextManager[BrokerNode]:
    """A node that nobody else uses, also where POSTROOM_AMQP_URL names another. Raises NoBroker."""
    return find_broker({name: value for name, value in os.environ.items() if name != "POSTROOM_AMQP_URL"})


async def _publish(channel: aio_pika.abc.AbstractChannel, queue: str, message_id: str) -> None:
    message = aio_pika.Message(
        BODY, message_id=message_id, content_type="application/json", delivery_mode=aio_pika.DeliveryMode.PERSISTENT
    )
    await channel.default_exchange.publish(message, queue)
