"""A service's messages on RabbitMQ: one connection consumes, another publishes, a watchdog sees that they are read."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from aio_pika.exceptions import CONNECTION_EXCEPTIONS, ChannelNotFoundEntity
from faststream.rabbit import RabbitBroker

from postroom.broker.connection import without_password
from postroom.broker.library_internals import start_consuming
from postroom.broker.publishing import Publisher
from postroom.runtime.consuming.consumer import QueueConsumer, make_broker
from postroom.runtime.transport import QueueReader
from postroom.runtime.watchdog import Watchdog
from postroom.wire.errors import BrokerUnavailable


class RabbitMqConsumers:
    """Consumers that are started, on a connection of their own.

    Args:
        broker: started; has the connection.
        consumers: one for each queue.
        watchdog: asks the broker for them.
    """

    def __init__(self, broker: RabbitBroker, consumers: Sequence[QueueConsumer], watchdog: Watchdog) -> None:
        self._broker = broker
        self._consumers = consumers
        self._watchdog = watchdog

    @property
    def missing(self) -> frozenset[str]:
        """The queues of which the broker knows no consumer; until it was asked first, all."""
        return self._watchdog.missing

    async def watch(self) -> None:
        """Ask the broker for them, and connect anew where they are gone. Returns when that does not help."""
        await self._watchdog.watch()

    async def cancel(self) -> None:
        """Tell the broker to send nothing more."""
        await asyncio.gather(*(consumer.cancel() for consumer in self._consumers))

    async def flush(self) -> None:
        """Acknowledge what is done."""
        await asyncio.gather(*(consumer.flush() for consumer in self._consumers))

    async def close(self) -> None:
        """Close the connection: the broker takes back what is not acknowledged."""
        await self._broker.stop()


class RabbitMqTransport:
    """The two connections of one service.

    Args:
        url: AMQP URL; its path is the virtual host.
        service: names the connections, and what is published.
    """

    has_broker = True

    def __init__(self, url: str, service: str) -> None:
        self.address = without_password(url)
        self.publisher = Publisher(url, app_id=service)
        self._url = url
        self._service = service

    async def connect(self) -> None:
        """Connect the publisher. Raises BrokerUnavailable."""
        with _explained():
            await self.publisher.connect()

    async def consume(self, readers: Sequence[QueueReader]) -> RabbitMqConsumers:
        """Start a consumer for each reader, on a channel of its own. Raises BrokerUnavailable."""
        broker = make_broker(self._url, self._service)
        consumers = [QueueConsumer(broker, reader.queue, reader.prefetch, reader.take) for reader in readers]
        try:
            with _explained():
                await start_consuming(broker)
                connection = await broker.connect()
        except BaseException:
            await broker.stop()
            raise
        return RabbitMqConsumers(broker, consumers, Watchdog(connection, [reader.queue for reader in readers]))

    async def close(self) -> None:
        """Close the publisher's connection."""
        await self.publisher.close()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except ChannelNotFoundEntity as error:
        raise BrokerUnavailable(f"{error}; run `postroom topology apply`") from error
    except CONNECTION_EXCEPTIONS as error:
        raise BrokerUnavailable(f"{type(error).__name__}: {error}") from error
