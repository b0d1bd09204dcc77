"""The one place where something private of FastStream, aio-pika or aiormq is used or replaced.

All of it serves deliveries without the libraries' wrapping: FastStream would parse each and send it through its
middlewares, aio-pika make a message object and a task of it, aiormq another task that it keeps in two sets
(docs/decisions/0002-intake.md). tests/unit/shared/broker/test_library_internals.py checks what is relied upon: it fails
when a library changes underneath. pamqp's reading of values is replaced in amqp_values.py.
"""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aio_pika import IncomingMessage, RobustChannel
from aio_pika.robust_queue import RobustQueue
from aiormq import Channel, spec
from aiormq.abc import DeliveredMessage
from faststream.rabbit import RabbitBroker
from faststream.rabbit.subscriber import RabbitSubscriber
from pamqp.header import ContentHeader

log = logging.getLogger(__name__)

Receive = Callable[[DeliveredMessage | IncomingMessage], Awaitable[None]]
"""Is given each delivery. It must not wait for anything."""


class IntakeQueue(RobustQueue):
    """A queue whose consumer is given aiormq's own messages, outside of any task. It must not wait for anything."""

    async def consume(self, callback: Callable[..., Awaitable[Any]], *args: Any, **options: Any) -> str:
        """Like aio-pika's; after some recoveries the callback is given an IncomingMessage all the same."""
        robust, timeout = options.pop("robust", True), options.pop("timeout", None)
        tag = options.pop("consumer_tag", None)
        channel = await self.channel.get_underlay_channel()
        if isinstance(channel, Channel):
            channel._on_deliver_frame = partial(deliver_at_once, channel)  # type: ignore[method-assign]
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


async def deliver_at_once(channel: Channel, frame: spec.Basic.Deliver) -> None:
    """Stands in for aiormq's own method, which does the same in a task. Without it that one would still serve."""
    header = await channel._get_frame()
    assert isinstance(header, ContentHeader)  # noqa: S101 - the protocol sends nothing else after a delivery
    message = await channel._read_content(frame, header)
    if (consumer := channel.consumers.get(frame.consumer_tag or "")) is None:
        return
    try:
        consumer(message).send(None)  # to its end: it waits for nothing
    except StopIteration:
        return
    except Exception:
        log.exception("A delivery was not taken; the broker keeps it until the channel closes")


def take_deliveries(subscriber: RabbitSubscriber, receive: Receive) -> None:
    """Have each delivery given to `receive`, in place of FastStream's parsing, middlewares and handler."""
    subscriber(_not_called)  # without a handler FastStream would not consume
    subscriber.consume = receive  # type: ignore[method-assign, assignment]


async def _not_called(_body: object) -> None:
    raise AssertionError("deliveries go past FastStream's handler")


async def start_consuming(broker: RabbitBroker) -> None:
    """Start FastStream's broker with channels of ours."""
    connection = await broker.connect()
    connection.CHANNEL_CLASS = IntakeChannel
    await broker.start()
