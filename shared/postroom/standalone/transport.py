"""A service's messages in the SQLite file: a loop takes what is due, and keeps the prefetch of each queue."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from postroom.broker.publishing import Outgoing, Publisher
from postroom.runtime.transport import QueueReader
from postroom.standalone.broker import SqliteBroker
from postroom.standalone.channel import QueueChannel
from postroom.wire.errors import BrokerUnavailable

log = logging.getLogger(__name__)

RETRY_SECONDS = 2.0
LONGEST_SLEEP_SECONDS = 0.5
"""How long what another process put into the file may stay unseen."""


class SqlitePublisher(Publisher):
    """A Publisher whose messages go into the file.

    Args:
        broker: the file.
        app_id: who publishes, carried along with each message.
    """

    def __init__(self, broker: SqliteBroker, app_id: str) -> None:
        super().__init__("amqp://nowhere/", app_id=app_id)
        self._file = broker

    @property
    def is_connected(self) -> bool:
        """Always: it is a file."""
        return True

    async def connect(self) -> None:
        """Make the file where there is none. Raises BrokerUnavailable."""
        try:
            await self._file.open()
        except (SQLAlchemyError, OSError) as error:
            raise BrokerUnavailable(f"{self._file.path} cannot be used: {type(error).__name__}") from error

    async def close(self) -> None:
        """Nothing: others use the file too."""

    async def send(self, outgoing: Outgoing) -> None:
        """Store a complete message. Raises Unroutable, and BrokerUnavailable while the file does not take it."""
        try:
            await self._file.store(outgoing)
        except (SQLAlchemyError, OSError) as error:
            what = f"{outgoing.routing_key} ({outgoing.message_id})"
            raise BrokerUnavailable(f"{what}: {self._file.path} does not take it: {type(error).__name__}") from error


class SqliteConsumers:
    """The queues of one service that are read.

    Args:
        broker: the file.
        readers: one for each queue.
    """

    def __init__(self, broker: SqliteBroker, readers: Sequence[QueueReader]) -> None:
        self._broker = broker
        self._woken = broker.listen(reader.queue for reader in readers)
        self._channels = {reader.queue: QueueChannel(broker, reader, self._woken) for reader in readers}
        self._is_failing = False

    @property
    def missing(self) -> frozenset[str]:
        """All of them while the file cannot be used."""
        return frozenset(self._channels) if self._is_failing else frozenset()

    async def watch(self) -> None:
        """Take what is due, until cancelled; a file that cannot be used is waited for."""
        while True:
            try:
                await self._look()
                self._is_failing = False
            except (SQLAlchemyError, OSError) as error:
                self._is_failing = True
                log.warning("The file of messages cannot be used: %s", type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)

    async def cancel(self) -> None:
        """Nothing is taken but by `watch`."""

    async def flush(self) -> None:
        """Write down what is done; what cannot be written comes again."""
        for channel in self._channels.values():
            await channel.flush()

    async def close(self) -> None:
        """Let go of what is in work."""
        self._broker.stop_listening(self._woken)
        for channel in self._channels.values():
            channel.close()

    async def _look(self) -> None:
        self._woken.clear()
        for channel in self._channels.values():
            await channel.settle()  # what could not be written when its time was
        with_room = [queue for queue, channel in self._channels.items() if channel.room > 0]
        held = [row for channel in self._channels.values() for row in channel.rows]
        due = await self._broker.next_due(with_room, without=held)
        now = datetime.now(UTC)
        ready = [queue for queue, moment in due.items() if moment <= now]
        for queue in ready:
            await self._channels[queue].fill()
        if not ready:
            await self._rest((min(due.values()) - now).total_seconds() if due else LONGEST_SLEEP_SECONDS)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, LONGEST_SLEEP_SECONDS)):
                await self._woken.wait()


class SqliteTransport:
    """The messages of one service.

    Args:
        broker: the file, which the services of a process share.
        service: publishes.
    """

    has_broker = False

    def __init__(self, broker: SqliteBroker, service: str) -> None:
        self.address = str(broker.path)
        self.publisher = SqlitePublisher(broker, service)
        self._broker = broker

    async def connect(self) -> None:
        """Make the file where there is none. Raises BrokerUnavailable."""
        await self.publisher.connect()

    async def consume(self, readers: Sequence[QueueReader]) -> SqliteConsumers:
        """The consumers; they take nothing before `watch` is called."""
        return SqliteConsumers(self._broker, readers)

    async def close(self) -> None:
        """Nothing: the file is closed by whoever opened it."""
