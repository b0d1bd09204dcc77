"""Sends what is due to each channel, in the background, while failures are recorded.

A notification is claimed in the database, sent, and then marked as sent. When a process dies in between, its claim ends
and another process sends the notification again: it may arrive twice, but is never lost.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from postroom.runtime.background import in_background
from postroom_alerting.notify.notifications import DueNotification, NotificationLog
from postroom_alerting.notify.notifier import NotificationFailed, Notifier
from postroom_alerting.notify.wording import Links, render_notification

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
"""How long a claim lasts; longer than NOTIFY_LIMIT."""

NOTIFY_LIMIT = timedelta(seconds=45)
"""How long a channel may take for one notification."""

POLL_INTERVAL = timedelta(seconds=5)
MIN_POLL_PAUSE = timedelta(seconds=0.5)
"""The shortest time between two polls: in a storm every death would cause a query for what is due."""

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=5)
STOP_SECONDS = 10.0


def _now() -> datetime:
    return datetime.now(UTC)


class Dispatcher:
    """Sends notifications; no channel waits for another.

    Args:
        notifications: what is due.
        notifiers: the channels.
        links: the links that notifications contain.
        clock: the time, in UTC.
    """

    def __init__(
        self,
        notifications: NotificationLog,
        notifiers: Sequence[Notifier],
        *,
        links: Links | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._notifications = notifications
        self._notifiers = notifiers
        self._links = links or Links()
        self._clock = clock
        self._wakers = [asyncio.Event() for _ in notifiers]
        self._turns = [asyncio.Lock() for _ in notifiers]  # each is held while its channel is sent what is due
        self._is_stopping = False

    def wake(self) -> None:
        """Poll now instead of in a few seconds, because an incident has changed."""
        for waker in self._wakers:
            waker.set()

    @asynccontextmanager
    async def running(self, give_up: Callable[[], None]) -> AsyncIterator[None]:
        """Send in the background; at the end, notifications under way have ten seconds to finish.

        `give_up` is called when nobody sends to a channel any more, see in_background.
        """
        async with AsyncExitStack() as stack:
            for notifier, waker, turn in zip(self._notifiers, self._wakers, self._turns, strict=True):
                in_background(stack, self._keep_sending(notifier, waker, turn), give_up)
            stack.push_async_callback(self._finish)
            yield

    async def send_due(self, notifier: Notifier) -> None:
        """Send all that is due on one channel, one after the other. Returns early when the channel fails."""
        while True:
            due = await self._notifications.claim(notifier.channel, self._clock(), lease=LEASE)
            if due is None or not await self._send(notifier, due) or self._is_stopping:
                return

    async def _finish(self) -> None:
        self._is_stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                for turn in self._turns:
                    await turn.acquire()  # and never given back: nothing more is sent

    async def _keep_sending(self, notifier: Notifier, waker: asyncio.Event, turn: asyncio.Lock) -> None:
        while True:
            try:
                async with turn:
                    await self.send_due(notifier)
            except Exception:
                # Whatever it was, the next poll tries again: this task must not end while the service runs.
                log.exception("Polling for notifications on %s failed", notifier.channel)
            await asyncio.sleep(MIN_POLL_PAUSE.total_seconds())
            try:
                await asyncio.wait_for(waker.wait(), POLL_INTERVAL.total_seconds())
            except TimeoutError:
                continue
            waker.clear()

    async def _send(self, notifier: Notifier, due: DueNotification) -> bool:
        notification = render_notification(due, self._links)
        try:
            async with asyncio.timeout(NOTIFY_LIMIT.total_seconds()):
                await notifier.notify(notification)
        except (NotificationFailed, TimeoutError) as error:
            pause = min(FIRST_PAUSE * 2 ** min(due.tries, 10), LONGEST_PAUSE)
            await self._notifications.postpone(due, self._clock() + pause)
            reason = str(error) or f"{notifier.channel} took longer than {NOTIFY_LIMIT.total_seconds():g} s"
            log.warning("%s; the alert is kept and sent again in %d s", reason, pause.total_seconds())
            return False
        await self._notifications.mark_sent(due, self._clock())
        log.info("Notified %s: %s", notifier.channel, notification.title)
        return True
