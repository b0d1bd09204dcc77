"""Moves one dead letter back to its queue: published there with a confirm, then acknowledged in the dead-letter queue.

No broker moves a message between two queues in one step that a client could ask for: a transaction is not one when
the broker dies in it, and dead-lettering it back would lose it wherever the policy is missing. So a kill between the
broker's storing of the copy and its taking of the acknowledgement leaves a message in both queues, never in none.
Why: docs/decisions/0019-a-replay-publishes-then-acknowledges.md.
"""

import asyncio
from typing import Self

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange
from aio_pika.exceptions import ChannelNotFoundEntity, DeliveryError
from aio_pika.exceptions import PublishError as ReturnedByBroker

from postroom import wire
from postroom.broker.plain_connection import BROKER_ERRORS, depth_of, why_lost
from postroom.broker.publishing.id_locks import IdLocks
from postroom.broker.publishing.outgoing import NO_OPTIONS, address
from postroom.operator.dead_letters.reading import NotAllRead, QueuedDeadLetter, Reader
from postroom.operator.dead_letters.target import ReplayTarget
from postroom.wire.dead_letter import text_of
from postroom.wire.errors import TopologyError
from postroom.wire.messages import Event

WINDOW = 10
"""Messages under way at once: what a kill may leave in both queues. Fewer would be slow: each waits for a disk."""

CONFIRM_SECONDS = 15.0
MOVE_ERRORS = (*BROKER_ERRORS, TimeoutError)
"""What `Replayer.move` and `Replayer.publish` raise; `Replayer.explain` says it in words."""


class Replayer:
    """Moves messages of `target.source` back to where they died, on one channel. Make one with `Replayer.open`."""

    def __init__(
        self, target: ReplayTarget, connection: AbstractConnection, way: AbstractExchange, events: AbstractExchange
    ):
        self._target = target
        self._connection = connection
        self._way = way
        self._events = events
        self._id_locks = IdLocks()
        self._taken_kinds: dict[str, bool] = {}

    @classmethod
    async def open(cls, connection: AbstractConnection, target: ReplayTarget) -> Self:
        """A replayer, once all it needs is there. Raises TopologyError for a queue or an exchange that is not."""
        if target.routing_key is not None:
            await depth_of(connection, target.routing_key)
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        events = await exchange_named(channel, wire.EVENTS)
        way = await exchange_named(channel, target.exchange) if target.exchange else channel.default_exchange
        return cls(target, connection, way, events)

    async def publish(self, event: Event) -> None:
        """Publish `event`. Raises MOVE_ERRORS when it is not confirmed."""
        outgoing = address(event, None, NO_OPTIONS, "postroom dead")
        async with asyncio.timeout(CONFIRM_SECONDS):
            await self._events.publish(outgoing.to_amqp(), outgoing.routing_key, mandatory=outgoing.mandatory)

    async def move(self, reader: Reader, found: QueuedDeadLetter, copy: aio_pika.Message) -> None:
        """Put `copy` where `found` died, then take `found` off the dead. Raises MOVE_ERRORS; `found` stays then."""
        routing_key = self._target.routing_key or _kind_of(found)
        async with self._id_locks.hold(found.id), asyncio.timeout(CONFIRM_SECONDS):
            await self._way.publish(copy, routing_key, mandatory=True)
        await reader.settle(found)

    async def refuses(self, found: QueuedDeadLetter) -> str:
        """Why it cannot go, empty if it can. A job published in vain would come straight back to `unrouted`."""
        if self._target.routing_key is not None:
            return ""
        kind = _kind_of(found)
        if kind not in self._taken_kinds:
            self._taken_kinds[kind] = await self._is_there(kind or "a queue without name")
        return "" if self._taken_kinds[kind] else f"no queue takes {kind or 'a job without routing key'}"

    def explain(self, error: BaseException) -> str:
        """One of MOVE_ERRORS or READ_ERRORS, and what it means for the messages."""
        source = self._target.source
        if isinstance(error, ReturnedByBroker):
            return f"queue {self._target.routing_key} went away; its message was kept in {source}"
        if isinstance(error, DeliveryError):
            return f"the broker refused to store a message (queue full, or just deleted?); it was kept in {source}"
        if isinstance(error, TimeoutError):
            return (
                f"a message was not confirmed within {CONFIRM_SECONDS:g} s (a memory or disk alarm?); it was kept in "
                f"{source} and may be in both queues"
            )
        if isinstance(error, NotAllRead):
            return str(error)
        return (
            f"{why_lost(error)}; nothing is gone, and at most {WINDOW} messages may be in both queues: their ids make "
            "them one"
        )

    async def _is_there(self, queue: str) -> bool:
        try:
            await depth_of(self._connection, queue)
        except TopologyError:
            return False
        return True


def _kind_of(found: QueuedDeadLetter) -> str:
    """The routing key of a job in `unrouted`; put there by the queue's own name, as imports do, a header has it."""
    message = found.message
    is_by_name = not message.exchange and message.routing_key == wire.UNROUTED_QUEUE
    return text_of(message.headers.get(wire.X_ROUTING_KEY) if is_by_name else message.routing_key, wire.MAX_SHORT_BYTES)


async def exchange_named(channel: AbstractChannel, name: str) -> AbstractExchange:
    """An exchange that must be there. Raises TopologyError when it is not."""
    try:
        return await channel.get_exchange(name, ensure=True)
    except ChannelNotFoundEntity:
        raise TopologyError(f"there is no exchange {name}; run `postroom topology apply`") from None
