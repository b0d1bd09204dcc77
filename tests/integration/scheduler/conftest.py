"""A scheduler on a real database, with a clock that is set by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from postroom.storage.database import Database
from postroom_scheduler.scheduler import Scheduler
from postroom_scheduler.sql_schedules import SqlSchedules
from postroom_scheduler.sql_ticks import SqlTicks
from tests.support.scheduling import (
    HandSetClock,
    Recorder,
    Running,
    scheduler_database,
)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with scheduler_database(database_url) as database:
        yield database


@pytest.fixture
def schedules(database: Database) -> SqlSchedules:
    return SqlSchedules(database)


@pytest.fixture
def clock() -> HandSetClock:
    return HandSetClock()


@pytest.fixture
def sender() -> Recorder:
    return Recorder()


@pytest.fixture
def problems() -> dict[str, str]:
    return {}


@pytest.fixture
def running(database: Database, clock: HandSetClock, sender: Recorder, problems: dict[str, str]) -> Running:
    @asynccontextmanager
    async def run(count: int = 1, **options: Any) -> AsyncIterator[list[Scheduler]]:
        made = [Scheduler(SqlTicks(database), sender, clock, problems, **options) for _ in range(count)]
        tasks = [asyncio.create_task(each.fire()) for each in made]
        try:
            yield made
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    return run
