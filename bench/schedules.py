"""How late schedules fire, of which there are thousands, on each kind of database: `python -m bench.schedules`.

Late is the time from the moment of a schedule to the broker's confirm, as the scheduler's own table has it.
"""

import asyncio
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import yaml
from sqlalchemy import Select, Table, func, select

from bench.databases import DATABASES, empty_database
from bench.family import Family, Figures, run_alone, size
from bench.service import running_service
from services.scheduler.models import ScheduleRow, TickRow
from shared.broker_node import BrokerNode
from shared.database import Database

LOOK_SECONDS = 0.5
READ_PER_SECOND = 1_500
"""Schedules of a file, and START_SECONDS for the process: after that the first of them is due."""

START_SECONDS = 6

BODY = {"to": "ada@example.com", "subject": "It is time", "body": "Good morning."}

schedules: Table = ScheduleRow.__table__  # type: ignore[attr-defined]
ticks: Table = TickRow.__table__  # type: ignore[attr-defined]
_IS_PUBLISHED = ticks.c.published_at.is_not(None)
_LIMIT_SECONDS = 120.0


@dataclass(frozen=True)
class Sizes:
    """How many, how quickly one after the other."""

    schedules: int = size(10_000, "schedules, each due once")
    due_per_second: int = size(400, "of them are due each second")


async def firing(kind: str, broker: BrokerNode, sizes: Sizes, figures: Figures) -> None:
    """All of them on one kind of database."""
    async with empty_database(kind) as url:
        with tempfile.TemporaryDirectory(prefix="postroom-bench-") as folder:
            file = Path(folder) / "schedules.yaml"
            first = datetime.now(UTC) + timedelta(seconds=START_SECONDS + sizes.schedules / READ_PER_SECOND)
            _write(file, sizes, first)
            began = time.perf_counter()
            settings = {"POSTROOM_DATABASE_URL": url, "SCHEDULER_FILE": str(file)}
            async with running_service("scheduler", broker.amqp_url, settings):
                late = await _lateness(url, sizes, first)
    figures.add(f"{kind}, {sizes.schedules:,} schedules published after", time.perf_counter() - began, "s")
    figures.add_spread(f"{kind}, schedules late by", late, "s")


def _write(file: Path, sizes: Sizes, first: datetime) -> None:
    pause = timedelta(seconds=1 / sizes.due_per_second)
    entries = [
        {"name": f"bench-{number}", "at": (first + number * pause).isoformat(), "job": "email.send", "body": BODY}
        for number in range(sizes.schedules)
    ]
    file.write_text(yaml.dump({"schedules": entries}, Dumper=yaml.CSafeDumper))


async def _lateness(url: str, sizes: Sizes, first: datetime) -> list[float]:
    """Seconds, of each of them, once all are published."""
    database = Database(url, "scheduler")
    try:
        while await _count(database, select(func.count()).select_from(schedules)) < sizes.schedules:
            if datetime.now(UTC) > first:
                raise TimeoutError("the schedules were not all in the database when the first was due")
            await asyncio.sleep(LOOK_SECONDS)
        async with asyncio.timeout(_LIMIT_SECONDS + 10 * sizes.schedules / sizes.due_per_second):
            while await _count(database, select(func.count()).where(_IS_PUBLISHED)) < sizes.schedules:
                await asyncio.sleep(LOOK_SECONDS)
        moments = select(ticks.c.fire_time, ticks.c.published_at).where(_IS_PUBLISHED)
        rows = await database.run(lambda connection: connection.execute(moments).all())
    finally:
        await database.close()
    return [(row.published_at - row.fire_time).total_seconds() for row in rows]


async def _count(database: Database, query: Select[int]) -> int:
    return await database.run(lambda connection: connection.scalar(query)) or 0


FAMILY = Family(
    "Lateness of schedules",
    Sizes,
    {f"schedules on {kind}": partial(firing, kind) for kind in DATABASES},
)

if __name__ == "__main__":
    run_alone(FAMILY)
