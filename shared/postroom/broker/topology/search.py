"""Takes a probe out of a queue and gives the other messages back untouched."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

from postroom import wire
from postroom.patience import patience

LEFT_BEHIND_AFTER = timedelta(minutes=5)
"""A probe this old belongs to no check that still runs; it is removed wherever it is met."""

LOOK_AGAIN_SECONDS = 0.05

GIVEN_BACK_WITHIN = timedelta(seconds=10)
"""Longer only if somebody else reads the queue now."""


class Depth(NamedTuple):
    """The present state of a queue."""

    waiting: int
    readers: int


async def depth_and_readers(connection: AbstractConnection, queue: str) -> Depth:
    """How many messages wait in `queue` and how many consumers it has, now."""
    async with connection.channel() as channel:
        declared = (await channel.get_queue(queue)).declaration_result
        return Depth(declared.message_count or 0, declared.consumer_count or 0)


class ProbeSearch:
    """Takes each message of a queue once, removes the probes of one run, and gives all others back at the end.

    Attributes:
        held: how many messages are to be given back.
    """

    def __init__(self, run: str) -> None:
        self.held = 0
        self._run = run
        self._arrivals: dict[str, float] = {}
        self._changed = asyncio.Event()

    async def look_at(self, message: AbstractIncomingMessage) -> None:
        """Take one message in."""
        now = time.perf_counter()
        if _is_probe_of(message, self._run):
            await message.ack()
            self._arrivals[str(message.headers[wire.X_PROBE])] = now
            self._changed.set()
        elif _is_left_behind(message):
            await message.ack()
        else:
            self.held += 1

    async def arrival_of(self, probe: str) -> float:
        """When `probe` was found, on the clock of `time.perf_counter`. Waits for ever."""
        while probe not in self._arrivals:
            await self._next()
        return self._arrivals[probe]

    async def arrivals(self, count: int) -> None:
        """Wait until so many probes were found."""
        while len(self._arrivals) < count:
            await self._next()

    async def _next(self) -> None:
        self._changed.clear()
        await self._changed.wait()


@asynccontextmanager
async def searching(connection: AbstractConnection, queue: str, run: str) -> AsyncIterator[ProbeSearch]:
    """A search of `queue` for the probes of `run`. The caller makes sure that the queue is not too long."""
    search = ProbeSearch(run)
    channel = await connection.channel(publisher_confirms=False)
    consumer = await (await channel.get_queue(queue, ensure=False)).consume(search.look_at)
    try:
        yield search
    finally:
        if not channel.is_closed:
            underlay = await channel.get_underlay_channel()
            # First, or what is given back would be delivered here again.
            await underlay.basic_cancel(consumer)
        await _give_back(channel)
        await _is_as_before(connection, queue, search.held)


async def _is_as_before(connection: AbstractConnection, queue: str, waiting: int) -> None:
    """Wait until the broker shows the queue without our consumer, and with what was given back.

    It does both a moment after it has said so. Whoever looked meanwhile would take us for a service of the queue.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(patience(GIVEN_BACK_WITHIN).total_seconds()):
            while True:
                depth = await depth_and_readers(connection, queue)
                if not depth.readers and depth.waiting >= waiting:
                    return
                await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def try_reading(connection: AbstractConnection, queue: str) -> None:
    """Raises ChannelAccessRefused where this user may not read `queue`: its probe could not be taken out."""
    channel = await connection.channel(publisher_confirms=False)
    try:
        await (await channel.get_queue(queue, ensure=False)).get(fail=False)
    finally:
        await _give_back(channel)


async def reject_probe(connection: AbstractConnection, queue: str, run: str) -> None:
    """Take the probe of `run` from a queue that nobody reads, and reject it. Waits for it for ever."""
    channel = await connection.channel(publisher_confirms=False)
    source = await channel.get_queue(queue, ensure=False)
    try:
        while True:
            message = await source.get(fail=False)
            if message is None:
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
            elif _is_probe_of(message, run):
                await message.reject(requeue=False)
                return
    finally:
        await _give_back(channel)


def _is_probe_of(message: AbstractIncomingMessage, run: str) -> bool:
    return str(message.headers.get(wire.X_PROBE, "")).startswith(run)


def _is_left_behind(message: AbstractIncomingMessage) -> bool:
    if wire.X_PROBE not in message.headers or message.timestamp is None:
        return False
    return datetime.now(UTC) - message.timestamp.astimezone(UTC) > LEFT_BEHIND_AFTER


async def _give_back(channel: AbstractChannel) -> None:
    """Requeue all that is held. A nack, unlike a lost channel, does not count as a delivery on current brokers."""
    if not channel.is_closed:
        underlay = await channel.get_underlay_channel()
        await underlay.basic_nack(0, multiple=True, requeue=True)  # 0: all that are outstanding
        await channel.close()
