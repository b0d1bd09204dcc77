"""The only place that acknowledges.

Each acknowledgement costs a quorum queue one entry in its log, so they are gathered for a few milliseconds: one
`multiple` acknowledgement covers all up to the first message still in work, the others go one by one. Nothing is
ever acknowledged past an unfinished message.
"""

import asyncio
import logging
from collections.abc import Awaitable, Coroutine
from typing import Any, Protocol

from aio_pika.exceptions import CONNECTION_EXCEPTIONS

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.003


class AcknowledgedChannel(Protocol):
    """Of an AMQP channel what acknowledges; tags count its deliveries up from 1.

    Each raises one of aio-pika's CONNECTION_EXCEPTIONS when the channel is closed: the deliveries come again.
    """

    @property
    def is_closed(self) -> bool:
        """Whether the deliveries were taken back."""
        ...

    @property
    def closing(self) -> "asyncio.Future[Any]":
        """Done once the deliveries are taken back; each caller has a future of its own, which it may cancel."""
        ...

    def basic_ack(self, delivery_tag: int, multiple: bool = ..., wait: bool = ...) -> Awaitable[None]:
        """Done; with `multiple`, all that are open up to this one."""
        ...

    def basic_nack(
        self,
        delivery_tag: int,
        multiple: bool = ...,
        requeue: bool = ...,
        wait: bool = ...,
    ) -> Awaitable[None]:
        """Somebody else's, or with `requeue=False` dead."""
        ...

    def basic_reject(self, delivery_tag: int, *, requeue: bool = ..., wait: bool = ...) -> Awaitable[None]:
        """Dead, or with `requeue` once it was delivered too often."""
        ...


class Acknowledger:
    """The open deliveries of one channel, in the order of their tags.

    Tags belong to the channel: after a reconnect there is a new Acknowledger, and what this one still held comes
    again.
    """

    def __init__(self, channel: AcknowledgedChannel) -> None:
        self.channel = channel
        self._open: dict[int, bool] = {}  # tag: whether it is finished; dicts keep their order
        self._flushing: asyncio.Task[None] | None = None
        self._one_flush = asyncio.Lock()

    @property
    def is_gone(self) -> bool:
        """Whether the broker has taken the deliveries back, because the channel is closed."""
        return self.channel.is_closed

    def gone(self) -> "asyncio.Future[Any]":
        """Done once the broker has taken the deliveries back. Whoever waits no longer cancels it."""
        return self.channel.closing

    async def until_gone(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do `work` unless the broker takes the deliveries back first; it is then cancelled, and the answer False.

        Raises what `work` raises.
        """
        task, gone = asyncio.ensure_future(work), self.gone()
        try:
            await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
            return task.done()
        finally:
            task.cancel()
            gone.cancel()

    def received(self, tag: int) -> None:
        """A delivery came."""
        self._open[tag] = False

    def done(self, tag: int) -> None:
        """A delivery needs no more work, and whatever it led to is stored: acknowledge it soon."""
        self._open[tag] = True
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().create_task(self._flush_soon())

    async def requeue(self, tag: int) -> None:
        """Let somebody else have it, without counting this delivery where the broker can tell the difference."""
        if self._take_out(tag):
            await self._send(self.channel.basic_nack(tag, requeue=True, wait=False))

    async def reject(self, tag: int, *, requeue: bool = False) -> None:
        """Let the broker's own dead-lettering have it, or with `requeue` once it was delivered too often."""
        if self._take_out(tag):
            await self._send(self.channel.basic_reject(tag, requeue=requeue, wait=False))

    def _take_out(self, tag: int) -> bool:
        """Whether the delivery had not ended before. A second answer about a tag would close the channel."""
        if self._open.get(tag) is not False:
            return False
        del self._open[tag]
        return True

    async def flush(self) -> None:
        """Acknowledge all that is finished."""
        # One at a time: two side by side would acknowledge a tag twice, for which a broker closes the channel.
        async with self._one_flush:
            await self._flush()

    async def _flush(self) -> None:
        prefix = None
        for tag, is_finished in self._open.items():
            if not is_finished:
                break
            prefix = tag
        if prefix is not None:
            for tag in [tag for tag in self._open if tag <= prefix]:
                del self._open[tag]
            await self._send(self.channel.basic_ack(prefix, multiple=True, wait=False))
        for tag in [tag for tag, is_finished in self._open.items() if is_finished]:
            del self._open[tag]
            await self._send(self.channel.basic_ack(tag, wait=False))

    async def _flush_soon(self) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        self._flushing = None
        await self.flush()

    async def _send(self, answer: Awaitable[None]) -> None:
        try:
            await answer
        except CONNECTION_EXCEPTIONS as error:
            # The broker has them back already and delivers them again; the inbox knows what was done.
            log.info("An acknowledgement came too late: %s", type(error).__name__)
