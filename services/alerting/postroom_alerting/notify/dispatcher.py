"""Telling people, beside the recording of failures.

An alert is claimed in the database, sent, and only then marked as told. A process that dies in between leaves a
claim that runs out, and the alert is sent again by whoever is there: an alert may come twice, never not at all.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from postroom_alerting.notify.notifications import Alert, NewsLog
from postroom_alerting.notify.notifier import NotificationFailed, Notifier
from postroom_alerting.notify.wording import Links, notice_of

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
"""How long a claim holds; longer than a notification may take."""

NOTIFY_LIMIT = timedelta(seconds=45)
LOOK_EVERY = timedelta(seconds=5)
REST = timedelta(seconds=0.5)
"""From one look to the next at the least: in a storm every death would ask the database what is due."""

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=5)
STOP_SECONDS = 10.0


def _now() -> datetime:
    return datetime.now(UTC)


class Alerts:
    """Tells people, one channel independent of the other.

    Args:
        news: what is due.
        notifiers: the channels.
        links: what alerts lead to.
        clock: the time, in UTC.
    """

    def __init__(
        self,
        news: NewsLog,
        notifiers: Sequence[Notifier],
        *,
        links: Links | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._news = news
        self._notifiers = notifiers
        self._links = links or Links()
        self._clock = clock
        self._wakers = [asyncio.Event() for _ in notifiers]
        self._is_stopping = False

    def wake(self) -> None:
        """Something was recorded: look now instead of in a few seconds."""
        for waker in self._wakers:
            waker.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tell in the background; at the end, what is being sent may finish, within ten seconds."""
        tasks = [
            asyncio.create_task(self._serve(notifier, waker))
            for notifier, waker in zip(self._notifiers, self._wakers, strict=True)
        ]
        try:
            yield
        finally:
            self._is_stopping = True
            self.wake()
            _done, slow = await asyncio.wait(tasks, timeout=STOP_SECONDS)
            for task in slow:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def tell_due(self, notifier: Notifier) -> None:
        """Send all that is due on one channel, one after the other. Returns early when the channel fails."""
        while True:
            alert = await self._news.claim(notifier.channel, self._clock(), lease=LEASE)
            if alert is None or not await self._tell(notifier, alert) or self._is_stopping:
                return

    async def _serve(self, notifier: Notifier, waker: asyncio.Event) -> None:
        while not self._is_stopping:
            try:
                await self.tell_due(notifier)
            except Exception:
                # Whatever it was, the next round tries again: an alert that nobody sends helps nobody.
                log.exception("Looking for alerts on %s failed", notifier.channel)
            await asyncio.sleep(REST.total_seconds())
            try:
                await asyncio.wait_for(waker.wait(), LOOK_EVERY.total_seconds())
            except TimeoutError:
                continue
            waker.clear()

    async def _tell(self, notifier: Notifier, alert: Alert) -> bool:
        notice = notice_of(alert, self._links)
        try:
            async with asyncio.timeout(NOTIFY_LIMIT.total_seconds()):
                await notifier.notify(notice)
        except (NotificationFailed, TimeoutError) as error:
            pause = min(FIRST_PAUSE * 2 ** min(alert.tries, 10), LONGEST_PAUSE)
            await self._news.put_off(alert, self._clock() + pause)
            reason = str(error) or f"{notifier.channel} took longer than {NOTIFY_LIMIT.total_seconds():g} s"
            log.warning("%s; the alert is kept and sent again in %d s", reason, pause.total_seconds())
            return False
        await self._news.told(alert, self._clock())
        log.info("Told %s: %s", notifier.channel, notice.title)
        return True
