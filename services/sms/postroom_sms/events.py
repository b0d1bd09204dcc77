"""Tells the world how texts ended: `sms.delivered`, `sms.undelivered`. And the desk where receipts are handed in."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from postroom.wire.errors import PublishError
from postroom.wire.messages import Message, SmsDelivered, SmsUndelivered
from postroom_sms.gateway import Progress, Receipt
from postroom_sms.references import reference_of
from postroom_sms.texts import Ended, Texts

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=30)
AT_ONCE = 100
TAKE_TIMEOUT = timedelta(seconds=8)
"""For the database to take a receipt. Providers give up on us after 10 to 15 s, and then report it again."""


class Publishes(Protocol):
    """What is needed of a Publisher."""

    async def publish(self, message: Message, *, message_id: str | None = None) -> str:
        """See postroom.broker.publishing.Publisher."""


class Announcer:
    """Publishes each text's end, with a message id made of the job's: whoever hears it twice can tell.

    A text that was written down as ended and whose process died before it told is found by `keep_looking`.
    """

    def __init__(self, texts: Texts, publisher: Publishes) -> None:
        self._texts = texts
        self._publisher = publisher
        self._tasks: set[asyncio.Task[None]] = set()

    def soon(self, ended: Ended) -> None:
        """Tell it in the background."""
        task = asyncio.get_running_loop().create_task(self._try_to_tell(ended))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def tell(self, ended: Ended) -> None:
        """Tell it now. Raises PublishError."""
        job_id, to, gateway = ended.key.job_id, ended.to, ended.gateway
        event: Message
        if ended.progress is Progress.DELIVERED:
            event = SmsDelivered(id=job_id, to=to, gateway=gateway)
        else:
            event = SmsUndelivered(id=job_id, to=to, gateway=gateway, reason=ended.reason)
        await self._publisher.publish(event, message_id=f"{reference_of(ended.key)}.{ended.progress}")
        await self._texts.announced(ended.key)

    async def keep_looking(self) -> None:
        """Tell what was not told, now and again, until cancelled."""
        while True:
            with suppress(PublishError, SQLAlchemyError, OSError):  # the next look comes anyway
                for ended in await self._texts.not_announced(AT_ONCE):
                    await self.tell(ended)
            await asyncio.sleep(LOOK_EVERY.total_seconds())

    async def finish(self) -> None:
        """Wait for what is being told, but not long."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        for task in self._tasks:
            task.cancel()

    async def _try_to_tell(self, ended: Ended) -> None:
        try:
            await self.tell(ended)
        except PublishError as error:
            log.warning("Not told yet how a text ended: %s", error)


class Desk:
    """See ReceiptDesk."""

    def __init__(self, texts: Texts, announcer: Announcer) -> None:
        self._texts = texts
        self._announcer = announcer

    async def take(self, receipt: Receipt) -> None:
        """See ReceiptDesk."""
        async with asyncio.timeout(TAKE_TIMEOUT.total_seconds()):
            ended = await self._texts.receive(receipt)
        if ended is not None:
            self._announcer.soon(ended)


@asynccontextmanager
async def announcing(texts: Texts, publisher: Publishes) -> AsyncIterator[Announcer]:
    """An announcer that looks for what was forgotten, for as long as the service runs."""
    announcer = Announcer(texts, publisher)
    looking = asyncio.get_running_loop().create_task(announcer.keep_looking())
    try:
        yield announcer
    finally:
        looking.cancel()
        await announcer.finish()
