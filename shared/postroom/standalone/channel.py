"""One queue's deliveries in this process's hands, as an Acknowledger sees them: the methods of an AMQP channel."""

import asyncio
import logging
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from postroom.runtime.consuming.acknowledgement import Acknowledger
from postroom.runtime.transport import QueueReader
from postroom.standalone.broker import RowEnding, SqliteBroker

log = logging.getLogger(__name__)


class QueueChannel:
    """The rows of one queue between their delivery and their end in the file.

    A verdict counts from the moment it is given, in the order in which they are given, as on an AMQP channel; it is
    written down with all that stand at that time. What cannot be written is kept, and written by the next `settle`.

    Args:
        broker: the file.
        reader: is given the deliveries.
        changed: set when there is room again.
    """

    def __init__(self, broker: SqliteBroker, reader: QueueReader, changed: asyncio.Event) -> None:
        self.is_closed = False
        self._broker = broker
        self._reader = reader
        self._changed = changed
        self._acknowledger = Acknowledger(self)
        self._last_tag = 0
        self._open: dict[int, int] = {}  # the row of each tag without a verdict
        self._verdicts: dict[int, RowEnding] = {}  # of each row, until it is written down
        self._settling = asyncio.Lock()
        self._closings: set[asyncio.Future[Any]] = set()

    @property
    def closing(self) -> "asyncio.Future[Any]":
        """Done once the deliveries are taken back."""
        closing = asyncio.get_running_loop().create_future()
        if self.is_closed:
            closing.set_result(None)
        else:
            self._closings.add(closing)
            closing.add_done_callback(self._closings.discard)
        return closing

    @property
    def rows(self) -> list[int]:
        """The rows that were delivered, and are not settled in the file."""
        return [*self._open.values(), *self._verdicts]

    @property
    def room(self) -> int:
        """How many more deliveries the prefetch allows."""
        return self._reader.prefetch - len(self._open) - len(self._verdicts)

    async def fill(self) -> None:
        """Deliver what is due, up to the prefetch."""
        for delivery in await self._broker.deliver(self._reader.queue, self.rows, self.room):
            self._last_tag += 1
            self._open[self._last_tag], delivery.tag = delivery.tag, self._last_tag
            self._reader.take(delivery, self._acknowledger)

    async def settle(self) -> None:
        """Write down the verdicts. Raises SQLAlchemyError or OSError; then they are kept for another time."""
        async with self._settling:
            if verdicts := dict(self._verdicts):
                await self._broker.settle(verdicts)
                # Only now, or `fill` would deliver the rows again.
                for row in verdicts:
                    del self._verdicts[row]
                self._changed.set()

    async def flush(self) -> None:
        """Give a verdict on all that is done and write it down; what cannot be written comes again."""
        await self._acknowledger.flush()
        await self._try_to_settle()

    def close(self) -> None:
        """Let go: what has no verdict is delivered again, by whoever reads the queue next."""
        self.is_closed = True
        for closing in list(self._closings):
            if not closing.done():
                closing.set_result(None)

    async def basic_ack(self, delivery_tag: int, multiple: bool = False, wait: bool = True) -> None:  # noqa: ARG002 - AMQP's
        """Done: this one, or all up to it that have no verdict."""
        tags = [tag for tag in self._open if tag <= delivery_tag] if multiple else [delivery_tag]
        await self._judge(tags, RowEnding.DONE)

    async def basic_nack(
        self,
        delivery_tag: int,
        multiple: bool = False,  # noqa: ARG002 - AMQP's
        requeue: bool = True,
        wait: bool = True,  # noqa: ARG002 - AMQP's
    ) -> None:
        """Delivered again, or dead."""
        await self._judge([delivery_tag], RowEnding.RETURNED if requeue else RowEnding.REJECTED)

    async def basic_reject(self, delivery_tag: int, *, requeue: bool = True, wait: bool = True) -> None:  # noqa: ARG002 - AMQP's
        """Delivered again, or dead."""
        await self._judge([delivery_tag], RowEnding.RETURNED if requeue else RowEnding.REJECTED)

    async def _judge(self, tags: list[int], verdict: RowEnding) -> None:
        if self.is_closed:
            raise ConnectionError("the queue is not read any more")
        for tag in tags:
            self._verdicts[self._open.pop(tag)] = verdict
        await self._try_to_settle()

    async def _try_to_settle(self) -> None:
        try:
            await self.settle()
        except (SQLAlchemyError, OSError) as error:
            log.warning("What is done cannot be written down yet: %s", type(error).__name__)
