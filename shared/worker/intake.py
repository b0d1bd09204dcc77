"""Deliveries without aio-pika's wrapping.

aio-pika would make a message object and a task of its own of each delivery, a sixth of its whole cost. Its
channel and queue classes are meant to be replaced; what they restore after a lost connection, these restore too.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from aio_pika import IncomingMessage, RobustChannel
from aio_pika.robust_queue import RobustQueue
from aiormq.abc import DeliveredMessage
from faststream.rabbit import RabbitBroker

from shared.worker.delivery import Delivery


class IntakeQueue(RobustQueue):
    """A queue whose consumer is given aiormq's own messages."""

    async def consume(self, callback: Callable[..., Awaitable[Any]], *args: Any, **options: Any) -> str:
        """Like aio-pika's; after some recoveries the callback is given an IncomingMessage all the same."""
        robust, timeout = options.pop("robust", True), options.pop("timeout", None)
        tag = options.pop("consumer_tag", None)
        channel = await self.channel.get_underlay_channel()
        answer = await channel.basic_consume(
            self.name,
            callback,  # type: ignore[arg-type] # a coroutine function, which an awaitable's type does not say
            *args,
            consumer_tag=tag,
            timeout=timeout,
            **options,
        )
        assert answer.consumer_tag is not None  # noqa: S101 - the broker made one up where we gave none
        if robust:
            self._consumers[answer.consumer_tag] = {"callback": callback, **options}
        return answer.consumer_tag


class IntakeChannel(RobustChannel):
    """A channel of such queues."""

    QUEUE_CLASS = IntakeQueue


async def start_consuming(broker: RabbitBroker) -> None:
    """Start FastStream's broker with channels of ours."""
    connection = await broker.connect()
    connection.CHANNEL_CLASS = IntakeChannel
    await broker.start()


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
