"""Load that goes on whatever happens to the broker: each message is published until it is confirmed."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from postroom.broker.publishing import Outgoing, Publisher
from postroom.testing import eventually
from postroom.wire.errors import BrokerUnavailable, PublishTimeout
from tests.support.patience import WORK

PAUSE_SECONDS = 0.2


class Load:
    """Publishes messages, so many a second, as a program does that must not lose any.

    Args:
        publisher: what it publishes with.
        make: the message of that number.
        per_second: how many are begun each second, confirmed or not.
    """

    def __init__(self, publisher: Publisher, make: Callable[[int], Outgoing], *, per_second: float) -> None:
        self._publisher = publisher
        self._make = make
        self._pause = 1 / per_second
        self._open: set[asyncio.Task[None]] = set()
        self._number = 0
        self.confirmed: dict[str, int] = {}  # message id: tries
        self.failures: Counter[str] = Counter()  # what a publisher was told, by class

    async def publish(self, count: int | None = None) -> None:
        """Go on until cancelled, or for `count` messages and until all are confirmed."""
        begun = 0
        while count is None or begun < count:
            self._number, begun = self._number + 1, begun + 1
            task = asyncio.create_task(self._until_confirmed(self._make(self._number)))
            self._open.add(task)
            task.add_done_callback(self._open.discard)
            await asyncio.sleep(self._pause)
        await self.all_confirmed()

    async def all_confirmed(self) -> None:
        """Wait for what was begun; raises what a publisher must not be told."""
        await asyncio.gather(*self._open)

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Publish while the block runs; when it is left, all that was begun is confirmed."""
        going = asyncio.create_task(self.publish())
        try:
            yield
        finally:
            going.cancel()
            await asyncio.wait((going,))
        await self.all_confirmed()

    async def confirms(self, more: int) -> None:
        """Wait until so many more messages than now are confirmed."""
        wanted = len(self.confirmed) + more
        await eventually(lambda: len(self.confirmed) >= wanted, within=WORK)

    async def _until_confirmed(self, outgoing: Outgoing) -> None:
        tries = 0
        while True:
            tries += 1
            try:
                await self._publisher.send(outgoing)
            except (BrokerUnavailable, PublishTimeout) as error:
                self.failures[type(error).__name__] += 1
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                self.confirmed[outgoing.message_id] = tries
                return


def make_publisher(url: str) -> Publisher:
    """A publisher that does not wait long."""
    return Publisher(url, app_id="load", timeout=timedelta(seconds=5))
