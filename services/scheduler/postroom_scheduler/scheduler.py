"""One scheduler at work: writes the ticks that are due, and publishes what was written, by whomever.

A tick's life: 1. its row is written; 2. somebody claims and publishes it; 3. the row says that it is published.
Whoever dies after 1 leaves it to the others, or to itself after a restart; whoever dies after 2 has it published
once more, with the same message id, which its consumer does once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Protocol

import orjson
from sqlalchemy.exc import SQLAlchemyError

from postroom import wire
from postroom.broker.publishing import Outgoing
from postroom.privacy.redaction import redact
from postroom.runtime.background import raise_if_cancelled
from postroom.wire.errors import InvalidPublish, PublishError
from postroom.wire.messages import ScheduleFired
from postroom.wire.messages.schedule import rfc3339
from postroom_scheduler.messages import message_id_of
from postroom_scheduler.sql_ticks import SqlTicks, Tick

log = logging.getLogger(__name__)

LONGEST_SLEEP = timedelta(seconds=0.5)
"""How long what another process changed may stay unseen."""

RETRY_PAUSE = timedelta(seconds=1)
KEPT = timedelta(days=30)
"""For how long it is remembered what became of a tick."""


class Clock(Protocol):
    """The clock by which schedules fire."""

    def now(self) -> datetime:
        """This moment, UTC."""
        ...

    async def sleep(self, duration: timedelta) -> None:
        """Wait that long by this clock."""
        ...


class WallClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """This moment, UTC."""
        return datetime.now(UTC)

    async def sleep(self, duration: timedelta) -> None:
        """Wait that long."""
        await asyncio.sleep(duration.total_seconds())


class MessageSender(Protocol):
    """Where messages go: the broker, or handlers in this process."""

    async def send(self, outgoing: Outgoing) -> None:
        """Hand it over; when this returns it is safe. Raises PublishError."""
        ...


class Scheduler:
    """Fires the schedules of one database, beside any number of others.

    Args:
        ticks: what is due.
        sender: takes the messages.
        clock: says what time it is.
        problems: what hinders the scheduler, by name; written here, read by `/readyz`.
        is_on_call: schedules fire only when somebody runs them; far jobs are published all the same.
    """

    def __init__(
        self,
        ticks: SqlTicks,
        sender: MessageSender,
        clock: Clock,
        problems: dict[str, str],
        *,
        is_on_call: bool = False,
    ) -> None:
        self._is_on_call = is_on_call
        self._ticks = ticks
        self._sender = sender
        self._clock = clock
        self._problems = problems
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look again at once: something was changed."""
        self._woken.set()

    async def fire(self) -> None:
        """Write the ticks that are due, and publish them, until cancelled."""
        await asyncio.gather(self._forever(self._write), self._forever(self._publish), self._forever(self._tidy))

    async def _forever(self, step: Callable[[], Awaitable[None]]) -> None:
        name = f"scheduler {step.__name__.strip('_')}"
        while True:
            try:
                await step()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # whatever it is, the next ticks are still owed
                raise_if_cancelled()
                problem = f"{type(error).__name__}: {redact(str(error)).splitlines()[0] if str(error) else ''}"
                if name not in self._problems:
                    is_expected = isinstance(error, (SQLAlchemyError, PublishError, OSError))
                    log.warning("The %s step waits: %s", name, problem, exc_info=None if is_expected else error)
                self._problems[name] = problem
                await asyncio.sleep(RETRY_PAUSE.total_seconds())
            else:
                self._problems.pop(name, None)

    async def _write(self) -> None:
        if await self._ticks.write_due(self._clock.now(), far_jobs_only=self._is_on_call):
            self.wake()
        else:
            await self._idle(await self._ticks.next_to_write(far_jobs_only=self._is_on_call))

    async def _publish(self) -> None:
        claimed = await self._ticks.claim(self._clock.now())
        if not claimed:
            await self._idle(await self._ticks.next_to_publish())
            return
        # Started in their order and sent over one channel, so they arrive in their order.
        try:
            results = await asyncio.gather(*(self._publish_one(tick) for tick in claimed), return_exceptions=True)
        except asyncio.CancelledError:
            with suppress(Exception):
                await asyncio.shield(self._ticks.release(claimed))  # the next scheduler may take them at once
            raise
        failed = [tick for tick, result in zip(claimed, results, strict=True) if isinstance(result, BaseException)]
        published = [tick for tick in claimed if tick not in failed]
        if published:
            await self._ticks.mark_published(published, self._clock.now())
        if failed:
            await self._ticks.release(failed)
            raise next(result for result in results if isinstance(result, BaseException))

    async def _publish_one(self, tick: Tick) -> None:
        try:
            await self._sender.send(tick.outgoing)
        except InvalidPublish as error:
            log.warning("Tick %s of %s can never be published: %s", tick.fire_time, tick.schedule, error)
            await self._ticks.record_end(tick.outgoing.message_id, "dead", self._clock.now(), str(error))
            return
        if wire.X_SCHEDULE in tick.outgoing.headers:
            await self._sender.send(fired(tick))

    async def _idle(self, next_at: datetime | None) -> None:
        wait = LONGEST_SLEEP if next_at is None else min(LONGEST_SLEEP, next_at - self._clock.now())
        self._woken.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_SLEEP.total_seconds()):
                await _first(self._clock.sleep(max(wait, timedelta(milliseconds=10))), self._woken.wait())

    async def _tidy(self) -> None:
        if not await self._ticks.forget(self._clock.now() - KEPT):
            await asyncio.sleep(600)


def fired(tick: Tick) -> Outgoing:
    """The event of a tick, `schedule.fired`."""
    event = ScheduleFired(schedule=tick.schedule, fire_time=tick.fire_time)
    return Outgoing(
        exchange=wire.EVENTS,
        routing_key=ScheduleFired.kind,
        body=orjson.dumps({**event.to_wire(), "fire_time": rfc3339(tick.fire_time)}),
        message_id=f"{ScheduleFired.kind}:{message_id_of(tick.schedule, tick.fire_time)}",
        app_id="scheduler",
        timestamp=tick.fire_time,
        mandatory=False,
    )


async def _first(*works: Awaitable[object]) -> None:
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
