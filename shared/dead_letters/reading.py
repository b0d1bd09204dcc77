"""Taking messages from a queue without deciding over them: what is not settled is given back at the end."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

from shared.dead_letters.connection import depth_of, ready_in
from shared.dead_letters.letter import DeadLetter, Envelope, name_by_content, read_dead_letter, text_of
from shared.dead_letters.target import Target

BATCH = 200
"""Messages held by one consumer; with bodies of 256 KiB at most 50 MiB are on their way at once."""

PATIENCE_SECONDS = 10.0
"""How long a queue that says it has messages may give none: somebody else is reading it."""

GIVEN_BACK_SECONDS = 2.0
"""How long to wait until what was given back is seen again; somebody else may take it first."""


@dataclass(frozen=True, slots=True)
class Found:
    """A dead message as it lies in its queue. `id` is its message id, or a name made from its content."""

    id: str
    letter: DeadLetter
    message: AbstractIncomingMessage


class Reader:
    """Takes messages from the head of one queue. Close it to give back all that was not settled."""

    def __init__(self, channel: AbstractChannel, target: Target) -> None:
        self._channel = channel
        self._target = target
        self._arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        self._consumer: str | None = None
        self._held = 0

    async def take(self, count: int) -> AsyncIterator[Found]:
        """Up to `count` messages, fewer when the queue runs empty first."""
        queue = await self._channel.get_queue(self._target.source, ensure=False)
        await self._channel.set_qos(BATCH)
        taken = 0
        while taken < count:
            # The limit of a batch is the consumer's, and unsettled messages fill it. A new consumer for each
            # batch reads on past messages that are held, without holding more than two batches of bodies.
            self._consumer = await queue.consume(self._arrive)
            for _ in range(min(BATCH, count - taken)):
                message = await self._next()
                if message is None:
                    return
                taken += 1
                yield found(message, self._target)
            await self._end_consumer()

    async def settle(self, found: Found) -> None:
        """Take the message off the queue for good."""
        await found.message.ack()
        self._held -= 1

    async def close(self) -> None:
        """Give back what is not settled. A nack, unlike a lost channel, does not count as a delivery."""
        if self._channel.is_closed:
            return
        # First, or what is given back would be delivered here again.
        await self._end_consumer()
        others = await self._ready()
        underlay = await self._channel.get_underlay_channel()
        await underlay.basic_nack(0, multiple=True, requeue=True)  # 0: all that are outstanding
        await self._until_ready(others + self._held)
        await self._channel.close()

    async def _ready(self) -> int:
        return await ready_in(self._channel, self._target.source)

    async def _until_ready(self, count: int) -> None:
        # The queue takes messages back a moment later; who looks right after this command should see them.
        deadline = asyncio.get_running_loop().time() + GIVEN_BACK_SECONDS
        while await self._ready() < count and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)

    async def _end_consumer(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            underlay = await self._channel.get_underlay_channel()
            await underlay.basic_cancel(consumer)

    async def _arrive(self, message: AbstractIncomingMessage) -> None:
        self._held += 1
        self._arrived.put_nowait(message)

    async def _next(self) -> AbstractIncomingMessage | None:
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            try:
                return await asyncio.wait_for(self._arrived.get(), 0.5)
            except TimeoutError:
                if not await self._ready() and self._arrived.empty():
                    return None
        return None


@asynccontextmanager
async def reading(connection: AbstractConnection, target: Target) -> AsyncIterator[Reader]:
    """A reader of `target.source` on a channel of its own."""
    reader = Reader(await connection.channel(publisher_confirms=False), target)
    try:
        yield reader
    finally:
        await reader.close()


async def read_letters(connection: AbstractConnection, target: Target, limit: int) -> AsyncGenerator[Found]:
    """The first `limit` messages of a queue, as they were at this moment; all are given back."""
    count = min(limit, await depth_of(connection, target.source))
    async with reading(connection, target) as reader:
        async for one in reader.take(count):
            yield one


def found(message: AbstractIncomingMessage, target: Target) -> Found:
    """What there is to know about one message of `target.source`."""
    envelope = Envelope(
        headers=message.headers,
        exchange=message.exchange or "",
        routing_key=message.routing_key or "",
        message_id=message.message_id,
        timestamp=message.timestamp,
    )
    message_id = text_of(message.message_id, 255) or name_by_content(message.body)
    return Found(message_id, read_dead_letter(envelope, queue=target.died_in), message)
