"""Notices a consumer that the broker has forgotten.

A connection can look healthy while a queue's consumer is gone: after an acknowledgement time-out, a restarted
node, a deleted queue. The process would then do nothing, for ever. So the broker is asked how many consumers each
queue has; none means the connection is made anew, and if that does not help the process ends for its supervisor
to start again.
"""

import asyncio
import logging
from collections.abc import Sequence

from aio_pika.abc import AbstractRobustChannel, AbstractRobustConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from postroom.runtime.background import raise_if_cancelled
from postroom.runtime.consuming.consumer import count_consumers
from postroom.telemetry import metrics

log = logging.getLogger(__name__)

LOOK_SECONDS = 4.0
LOOK_AGAIN_SECONDS = 1.0  # while one is missing
LOOKS_BEFORE_RECONNECT = 8  # the client library's own recovery comes first
LOOKS_BEFORE_EXIT = 40


class Watchdog:
    """Watches the consumers of one connection.

    Args:
        connection: the one that consumes.
        queues: those that must have a consumer.

    Attributes:
        missing: those that have none, as of the last look; before the first one, all.
    """

    def __init__(self, connection: AbstractRobustConnection, queues: Sequence[str]) -> None:
        self._connection = connection
        self._channel: AbstractRobustChannel | None = None
        self.missing: frozenset[str] = frozenset(queues)
        self._queues = queues

    async def watch(self) -> None:
        """Look until cancelled. Returns when nothing helped."""
        looks = 0
        while True:
            self.missing = await self._look()
            raise_if_cancelled()
            looks = looks + 1 if self.missing and self._connection.connected.is_set() else 0
            if looks == LOOKS_BEFORE_RECONNECT:
                log.warning("The broker knows of no consumer for %s: connecting anew", ", ".join(sorted(self.missing)))
                await self._drop_connection()
            elif looks >= LOOKS_BEFORE_EXIT:
                log.error("Still no consumer for %s", ", ".join(sorted(self.missing)))
                return
            await asyncio.sleep(LOOK_AGAIN_SECONDS if self.missing else LOOK_SECONDS)

    async def _look(self) -> frozenset[str]:
        missing = set()
        for queue in self._queues:
            if not await self._has_consumer(queue):
                missing.add(queue)
            metrics.CONSUMERS_UP.labels(queue).set(queue not in missing)
        return frozenset(missing)

    async def _has_consumer(self, queue: str) -> bool:
        try:
            async with asyncio.timeout(5):
                if self._channel is None or self._channel.is_closed:
                    channel = await self._connection.channel(publisher_confirms=False)
                    assert isinstance(channel, AbstractRobustChannel)  # noqa: S101
                    self._channel = channel
                return await count_consumers(self._channel, queue) > 0
        except (TimeoutError, *CONNECTION_EXCEPTIONS):
            return False
        except Exception as error:  # noqa: BLE001 - a channel that closes meanwhile gives the client library's bare ones
            log.info("The broker could not be asked for the consumers of %s: %s", queue, type(error).__name__)
            return False

    async def _drop_connection(self) -> None:
        transport = self._connection.transport
        if transport is not None:
            await asyncio.wait_for(transport.connection.close(ConnectionResetError("no consumer")), timeout=5)
