"""What tests of the scheduler have in common: a clock that is set by hand, a publisher that records, a schedule."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from postroom import wire
from postroom.broker.publishing import Outgoing
from postroom.storage.database import Database
from postroom.testing import eventually
from postroom.wire.errors import BrokerUnavailable
from postroom.wire.messages import SetSchedule
from postroom_scheduler.sql_schedules import SqlSchedules
from postroom_scheduler.sql_ticks import SqlTicks
from tests.support.databases import service_database

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)

Running = Callable[..., Any]
"""Runs so many schedulers until its block ends."""


class HandSetClock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        """The time that was set."""
        return self.time

    async def sleep(self, duration: timedelta) -> None:
        """Wait a moment: somebody may have set another time."""
        await asyncio.sleep(min(duration.total_seconds(), 0.01))


class Recorder:
    """Takes messages; `is_away` refuses them."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.is_away = False

    async def send(self, outgoing: Outgoing) -> None:
        """See Publisher.send."""
        if self.is_away:
            raise BrokerUnavailable("away")
        self.sent.append(outgoing)

    def of(self, kind: str) -> list[Outgoing]:
        """What was sent of one kind."""
        return [each for each in self.sent if each.routing_key == kind]

    def times(self, kind: str) -> list[str]:
        """The fire times of what was sent of one kind."""
        return [str(each.headers[wire.X_FIRE_TIME]) for each in self.of(kind)]


@asynccontextmanager
async def scheduler_database(url: str) -> AsyncIterator[Database]:
    """The scheduler's database, with its tables."""
    database = service_database(url, "scheduler")
    await database.migrate()
    yield database
    await database.close()


def schedule(**fields: Any) -> SetSchedule:
    """A schedule `test`, hourly."""
    return SetSchedule.model_validate({"name": "test", "cron": "@hourly", "job": "thing.do", **fields})


async def settled(schedules: SqlSchedules, name: str, count: int) -> None:
    """Wait until so many ticks stand there and none is due."""

    async def are_there() -> bool:
        states = [tick.state for tick in await schedules.history(name, 10_000)]
        return len(states) == count and "due" not in states

    await eventually(are_there)


async def nothing_left(database: Database, clock: HandSetClock) -> None:
    """Wait until the scheduler has nothing more to do at this moment."""
    ticks = SqlTicks(database)

    async def is_idle() -> bool:
        moments = (await ticks.next_to_write(), await ticks.next_to_publish())
        return all(moment is None or moment > clock.now() for moment in moments)

    await eventually(is_idle)
