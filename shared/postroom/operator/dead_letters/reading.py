"""Reads messages of a queue: what is not settled is given back at the end.

The broker closes a channel that holds a message for too long (`consumer_timeout`, 30 minutes by default). So a reader
gives back after HELD_SECONDS what it looked at, and recognises it when it comes again: RabbitMQ 3.10 puts it behind the
messages that were not delivered yet, 4.3 in front of them.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity

from postroom.broker.plain_connection import BROKER_ERRORS, depth_of, ready_in, why_lost
from postroom.operator.dead_letters.target import ReplayTarget
from postroom.wire.dead_letter import DeadLetter, Envelope, name_by_content, read_dead_letter, text_of
from postroom.wire.errors import PostroomError

BATCH = 200
"""Messages that are taken together; with bodies of 256 KiB at most 50 MiB."""

PATIENCE_SECONDS = 30.0
"""How long messages that were counted may not come: somebody else is reading them, and gives them back."""

GLANCE_SECONDS = 2.0
"""The same for who only looks, and has nothing to lose by seeing fewer."""

QUIET_SECONDS = 0.5
"""After such a pause what has come so far is enough to go on with."""

HELD_SECONDS = 600.0
"""How long messages are held at most, and one batch longer: far from the broker's 30 minutes."""

GIVEN_BACK_SECONDS = 2.0
"""How long to wait until what was given back is seen again; somebody else may take it first."""


class NotAllRead(PostroomError):
    """Fewer messages came than were counted in the queue, or the broker ended the reading."""


READ_ERRORS = (*BROKER_ERRORS, NotAllRead)
"""What a Reader raises; `why_ended` says it in words."""


@dataclass(frozen=True, slots=True)
class QueuedDeadLetter:
    """A dead message in its queue. `id` is its message id, or a name made from its content."""

    id: str
    letter: DeadLetter
    message: AbstractIncomingMessage

    @property
    def mark(self) -> int:
        """By which a message is recognised when it comes again."""
        return hash((self.id, self.letter, self.message.body))


class Reader:
    """Takes messages from the head of one queue. Close it to give back all that was not settled.

    Args:
        channel: of its own.
        target: whose `source` is read.
        stop: ends the reading between two batches.
        patience: seconds; see PATIENCE_SECONDS.
    """

    def __init__(self, channel: AbstractChannel, target: ReplayTarget, stop: asyncio.Event, patience: float) -> None:
        self._channel = channel
        self._target = target
        self._stop = stop
        self._patience = patience
        self._arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        self._consumer: str | None = None
        self._is_cancelled = False
        self._held: dict[int, int] = {}  # marks by delivery tag
        self._held_since = 0.0
        self._given_back: Counter[int] = Counter()

    async def batches(self, count: int, size: int = BATCH) -> AsyncIterator[list[QueuedDeadLetter]]:
        """The first `count` messages of the queue, at most `size` together, until `stop` is set.

        Asking for the next batch ends the one before: what of it is not settled stays in the queue.
        Raises READ_ERRORS; NotAllRead also when no more come for so long.
        """
        taken = 0
        while taken < count and not self._stop.is_set():
            came = await self._some(min(size, count - taken + self._given_back.total()))
            if not came and not self._stop.is_set():
                raise NotAllRead(
                    f"only {taken} of {count} messages of {self._target.source} came, and no more for "
                    f"{self._patience:g} s: somebody else is reading the queue, or took them; run it again"
                )
            batch = [one for one in came if self._is_new(one)][: count - taken]
            taken += len(batch)
            if not batch:
                continue  # all were seen before: first past them, or nothing would ever be read
            yield batch
            if self._held and _now() - self._held_since > HELD_SECONDS:
                await self._give_back()

    async def settle(self, found: QueuedDeadLetter) -> None:
        """Take the message off the queue for good."""
        await found.message.ack()
        self._held.pop(found.message.delivery_tag or 0, None)

    async def close(self) -> None:
        """Give back what is not settled. A nack, unlike a lost channel, does not count as a delivery."""
        if self._channel.is_closed:
            return
        if self._is_cancelled:  # perhaps with its queue; what is left of it is given back with the channel
            await self._channel.close()
            return
        # First, or what is given back would be delivered here again.
        await self._end_consumer()
        others, mine = await self._ready(), len(self._held)
        await self._give_back()
        await self._until_ready(others + mine)
        await self._channel.close()

    def cancelled(self, _frame: object) -> None:
        """Called when the broker ended our consumer."""
        self._is_cancelled = True

    async def _give_back(self) -> None:
        underlay = await self._channel.get_underlay_channel()
        await underlay.basic_nack(0, multiple=True, requeue=True)  # 0: all that are outstanding
        self._given_back.update(self._held.values())
        self._held.clear()

    def _is_new(self, found: QueuedDeadLetter) -> bool:
        """Whether it was not looked at before."""
        if not self._given_back[found.mark]:
            return True
        self._given_back[found.mark] -= 1
        return False

    async def _ready(self) -> int:
        return await ready_in(self._channel, self._target.source)

    async def _until_ready(self, count: int) -> None:
        # The queue takes messages back a moment later; who looks right after this command should see them.
        deadline = _now() + GIVEN_BACK_SECONDS
        while await self._ready() < count and _now() < deadline:
            await asyncio.sleep(0.02)

    async def _some(self, wanted: int) -> list[QueuedDeadLetter]:
        """The next messages of the queue, none when none come."""
        queue = await self._channel.get_queue(self._target.source, ensure=False)
        await self._channel.set_qos(wanted)
        # The limit is the consumer's, and messages that are held fill it: a new one reads on past them.
        try:
            self._consumer = await queue.consume(self._arrived.put)
        except ChannelNotFoundEntity:
            raise self._ended() from None
        came = await self._come(wanted)
        await self._end_consumer()
        while not self._arrived.empty():
            came.append(self._arrived.get_nowait())
        if not self._held:
            self._held_since = _now()
        some = [found(message, self._target) for message in came]
        self._held.update((one.message.delivery_tag or 0, one.mark) for one in some)
        return some

    async def _come(self, wanted: int) -> list[AbstractIncomingMessage]:
        came: list[AbstractIncomingMessage] = []
        deadline = _now() + self._patience
        while len(came) < wanted and not self._stop.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(QUIET_SECONDS):
                    came.append(await self._arrived.get())
                continue
            self._must_be_open()
            if came or _now() >= deadline:
                break
        return came

    def _must_be_open(self) -> None:
        if self._channel.is_closed:
            raise ConnectionError("the broker closed the channel")
        if self._is_cancelled:
            raise self._ended()

    def _ended(self) -> NotAllRead:
        return NotAllRead(
            f"the broker ended the reading of {self._target.source} (was the queue deleted, or were its messages "
            "held for too long?); run it again"
        )

    async def _end_consumer(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            underlay = await self._channel.get_underlay_channel()
            await underlay.basic_cancel(consumer)


def _now() -> float:
    return asyncio.get_running_loop().time()


@asynccontextmanager
async def reading(
    connection: AbstractConnection,
    target: ReplayTarget,
    stop: asyncio.Event | None = None,
    patience: float | None = None,
) -> AsyncIterator[Reader]:
    """A reader of `target.source` on a channel of its own; `patience` is PATIENCE_SECONDS unless given."""
    channel = await connection.channel(publisher_confirms=False)
    reader = Reader(channel, target, stop or asyncio.Event(), PATIENCE_SECONDS if patience is None else patience)
    (await channel.get_underlay_channel()).on_consumer_cancel_callbacks.add(reader.cancelled)
    try:
        yield reader
    finally:
        await reader.close()


async def read_letters(
    connection: AbstractConnection, target: ReplayTarget, limit: int
) -> AsyncGenerator[QueuedDeadLetter]:
    """The first `limit` messages of a queue, as they were at this moment; all are given back.

    They are fewer when somebody else is reading the queue.
    """
    count = min(limit, await depth_of(connection, target.source))
    with suppress(NotAllRead):
        async with reading(connection, target, patience=GLANCE_SECONDS) as reader:
            async for batch in reader.batches(count):
                for one in batch:
                    yield one


def why_ended(error: BaseException) -> str:
    """One of READ_ERRORS in words."""
    return str(error) if isinstance(error, NotAllRead) else why_lost(error)


def found(message: AbstractIncomingMessage, target: ReplayTarget) -> QueuedDeadLetter:
    """What there is to know about one message of `target.source`."""
    envelope = Envelope(
        headers=message.headers,
        exchange=message.exchange or "",
        routing_key=message.routing_key or "",
        message_id=message.message_id,
        timestamp=message.timestamp,
    )
    message_id = text_of(message.message_id, 255) or name_by_content(message.body)
    return QueuedDeadLetter(message_id, read_dead_letter(envelope, queue=target.died_in), message)
