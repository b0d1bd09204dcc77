"""Locks by message id: two messages with one id are never in flight together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class IdLocks:
    """Locks by message id, for one channel.

    Two publishes with one id in flight on one channel mix up their answers in the client library: the one that was
    returned would be reported as confirmed.
    """

    def __init__(self) -> None:
        self._in_flight: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def hold(self, message_id: str) -> AsyncIterator[None]:
        """Wait until no other message with this id is in flight, and hold its lock for the block."""
        while (other := self._in_flight.get(message_id)) is not None:
            await other.wait()
        mine = self._in_flight[message_id] = asyncio.Event()
        try:
            yield
        finally:
            del self._in_flight[message_id]
            mine.set()
