"""What carries a service's messages: RabbitMQ (rabbitmq.py), or a file in its place (postroom.standalone).

The assembly knows no more of it than this. Both keep what tests/contract/test_transport.py asks for, and services on
both what test_transport_services.py asks for.
"""

from collections.abc import Sequence
from typing import Protocol

from postroom.broker.publishing import Publisher
from postroom.runtime.consuming.acknowledgement import Acknowledger
from postroom.worker.delivery import Delivery


class QueueReader(Protocol):
    """What is done with the deliveries of one queue; a Processor is one."""

    @property
    def queue(self) -> str:
        """The queue that is read. It must exist: services declare nothing."""
        ...

    @property
    def prefetch(self) -> int:
        """How many deliveries it has at most that are not acknowledged."""
        ...

    def take(self, delivery: Delivery, acks: Acknowledger) -> None:
        """Begin a delivery's life; returns at once."""
        ...


class Consumers(Protocol):
    """The consumers of one service at work, one for each of its readers."""

    @property
    def missing(self) -> frozenset[str]:
        """The queues that are not read at this moment."""
        ...

    async def watch(self) -> None:
        """Keep them at work until this is cancelled. Returns when they are lost and nothing brings them back."""
        ...

    async def cancel(self) -> None:
        """Take no more deliveries. Those that were taken can still be acknowledged. `watch` has been cancelled."""
        ...

    async def flush(self) -> None:
        """Acknowledge all that is done, now."""
        ...

    async def close(self) -> None:
        """Let go. What is not acknowledged is delivered again, here or elsewhere."""
        ...


class Transport(Protocol):
    """The messages of one service, to it and from it."""

    @property
    def address(self) -> str:
        """Where it leads, without a password."""
        ...

    @property
    def has_broker(self) -> bool:
        """Whether there is a RabbitMQ, which can be asked by its management API."""
        ...

    @property
    def publisher(self) -> Publisher:
        """By which the service publishes."""
        ...

    async def connect(self) -> None:
        """Make sure that the publisher can publish. Raises PublishError, and OSError; then it may be tried again."""
        ...

    async def consume(self, readers: Sequence[QueueReader]) -> Consumers:
        """Give each reader the messages of its queue. Raises like `connect`, also where a queue does not exist."""
        ...

    async def close(self) -> None:
        """Close the publisher."""
        ...
