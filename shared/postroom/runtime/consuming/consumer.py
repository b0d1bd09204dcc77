"""Consuming with FastStream: one connection, a channel per queue, each with its own prefetch.

Each delivery goes straight to the Processor. FastStream's middleware stack in between would cost as much per
message as all of our own steps together (docs/decisions/0002-intake.md).
"""

import logging
from collections.abc import Callable
from contextlib import suppress

from aio_pika import IncomingMessage
from aio_pika.abc import AbstractRobustChannel
from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from aiormq.abc import DeliveredMessage
from faststream import AckPolicy
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitQueue
from yarl import URL

from postroom.broker.connection import connection_url
from postroom.broker.library_internals import take_deliveries
from postroom.runtime.consuming.acknowledgement import Acknowledger
from postroom.worker.delivery import Delivery

log = logging.getLogger(__name__)

Take = Callable[[Delivery, Acknowledger], None]
"""Begins a delivery's life; returns at once."""


class QueueConsumer:
    """The consumer of one queue.

    Args:
        broker: FastStream's, not started yet.
        queue: its name. It must exist: services declare nothing.
        prefetch: unacknowledged messages at most.
        take: is given each delivery.
    """

    def __init__(self, broker: RabbitBroker, queue: str, prefetch: int, take: Take) -> None:
        self.queue = queue
        self._take = take
        self._acks: Acknowledger | None = None
        self._subscriber = broker.subscriber(
            RabbitQueue(queue, queue_type=QueueType.QUORUM, durable=True, declare=False),
            channel=Channel(prefetch_count=prefetch),
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
        )
        # Called for each delivery in a task that dies with the channel: it only starts another one, so that a lost
        # connection does not stop a handler in the middle of its work.
        take_deliveries(self._subscriber, self._receive)

    async def cancel(self) -> None:
        """Tell the broker to send nothing more. What it sent already can still be acknowledged."""
        with suppress(*CONNECTION_EXCEPTIONS):
            await self._subscriber.stop()

    async def flush(self) -> None:
        """Acknowledge what is done."""
        if self._acks is not None and not self._acks.is_gone:
            await self._acks.flush()

    async def _receive(self, message: DeliveredMessage | IncomingMessage) -> None:
        channel = message.channel
        if self._acks is None or self._acks.channel is not channel:
            self._acks = Acknowledger(channel)
        self._take(read_delivery(self.queue, message), self._acks)


def make_broker(url: str, service: str) -> RabbitBroker:
    """FastStream's broker for a connection that only consumes."""
    target = connection_url(url, f"{service} consumes")
    # FastStream would put a fixed pause of its own in place of the URL's.
    pause = float(URL(target).query["reconnect_interval"])
    return RabbitBroker(target, reconnect_interval=pause, logger=None, apply_types=False)


async def count_consumers(channel: AbstractRobustChannel, queue: str) -> int:
    """How many consumers the broker knows of on `queue`. Raises what a lost connection raises."""
    underlay = await channel.get_underlay_channel()
    declared = await underlay.queue_declare(queue, passive=True, timeout=5)
    return declared.consumer_count or 0


def read_delivery(queue: str, message: DeliveredMessage | IncomingMessage) -> Delivery:
    """A message from either library as a Delivery."""
    properties = message.header.properties if isinstance(message, DeliveredMessage) else message.properties
    assert message.delivery_tag is not None  # noqa: S101 - only a message got with no_ack has none
    return Delivery(
        queue=queue,
        body=message.body,
        message_id=properties.message_id,
        content_type=properties.content_type,
        headers=properties.headers or {},
        exchange=message.exchange or "",
        routing_key=message.routing_key or "",
        tag=message.delivery_tag,
        redelivered=bool(message.redelivered),
        correlation_id=properties.correlation_id,
        app_id=properties.app_id,
        timestamp=properties.timestamp,
    )
