"""Publishes how texts ended, `sms.delivered` and `sms.undelivered`, and records the receipts that say so."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from postroom.runtime.background import in_background
from postroom.runtime.periodic import do_every
from postroom.wire.errors import ProviderUnavailable, PublishError
from postroom.wire.messages import Message, SmsDelivered, SmsUndelivered
from postroom_sms.gateway import DeliveryProgress, Receipt
from postroom_sms.references import reference_of
from postroom_sms.texts import Ended, Texts

log = logging.getLogger(__name__)

CHECK_EVERY = timedelta(seconds=30)
BATCH = 100
_AWAY = (PublishError, ProviderUnavailable, SQLAlchemyError, OSError)
"""What is raised while the broker or the database is away."""

TAKE_TIMEOUT = timedelta(seconds=8)
"""For the database to take a receipt. Providers give up on us after 10 to 15 s, and then report it again."""


class EventPublisher(Protocol):
    """What is needed of a Publisher."""

    async def publish(self, message: Message, *, message_id: str | None = None) -> str:
        """See postroom.broker.publishing.Publisher."""


class TextEvents:
    """Publishes each text's end, with a message id made of the job's: who receives it twice can tell.

    When a process dies after it recorded an end and before it published it, `publish_forgotten` of another one does.
    """

    def __init__(self, texts: Texts, publisher: EventPublisher) -> None:
        self._texts = texts
        self._publisher = publisher
        self._tasks: set[asyncio.Task[None]] = set()

    def publish_soon(self, ended: Ended) -> None:
        """Publish it in the background."""
        task = asyncio.get_running_loop().create_task(self._try_to_publish(ended))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def publish(self, ended: Ended) -> None:
        """Publish it now. Raises PublishError."""
        job_id, to, gateway = ended.key.job_id, ended.to, ended.gateway
        event: Message
        if ended.progress is DeliveryProgress.DELIVERED:
            event = SmsDelivered(id=job_id, to=to, gateway=gateway)
        else:
            event = SmsUndelivered(id=job_id, to=to, gateway=gateway, reason=ended.reason)
        await self._publisher.publish(event, message_id=f"{reference_of(ended.key)}.{ended.progress}")
        await self._texts.announced(ended.key)

    async def publish_forgotten(self) -> None:
        """Every CHECK_EVERY publish what was not published, until cancelled."""
        await do_every(CHECK_EVERY, self._publish_batch, "Publishing how texts ended", tolerated=_AWAY)

    async def finish(self) -> None:
        """Wait up to 5 s for what is being published."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        for task in self._tasks:
            task.cancel()

    async def _publish_batch(self) -> None:
        for ended in await self._texts.not_announced(BATCH):
            await self.publish(ended)

    async def _try_to_publish(self, ended: Ended) -> None:
        try:
            await self.publish(ended)
        except _AWAY as error:
            log.warning("How a text ended is not published yet (%s); it is tried again", type(error).__name__)


class ReceiptRecorder:
    """Records receipts, and publishes the ends they report. See ReceiptHandler."""

    def __init__(self, texts: Texts, events: TextEvents) -> None:
        self._texts = texts
        self._events = events

    async def take(self, receipt: Receipt) -> None:
        """See ReceiptHandler."""
        async with asyncio.timeout(TAKE_TIMEOUT.total_seconds()):
            ended = await self._texts.receive(receipt)
        if ended is not None:
            self._events.publish_soon(ended)


@asynccontextmanager
async def open_text_events(
    texts: Texts, publisher: EventPublisher, give_up: Callable[[], None]
) -> AsyncIterator[TextEvents]:
    """TextEvents that also publish what an earlier process did not, for as long as the block runs.

    `give_up` is called when that ends by itself, see in_background.
    """
    events = TextEvents(texts, publisher)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(events.finish)
        in_background(stack, events.publish_forgotten(), give_up)
        yield events
