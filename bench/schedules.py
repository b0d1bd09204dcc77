"""How late schedules fire, of which there are thousands, on each kind of database: `python -m bench.schedules`.

Late is the time from the moment of a schedule to the broker's confirm, as the scheduler's own table has it.
"""

import asyncio
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Select, Table, func, insert, select

from bench.databases import DATABASES, empty_database
from bench.family import Family, Figures, run_alone, size
from bench.service import running_service
from postroom.devkit.broker_node import BrokerNode
from postroom.storage.database import Database
from postroom.wire.messages import SetSchedule
from postroom_scheduler.models import ScheduleRow, TickRow
from postroom_scheduler.planning import definition_of
from postroom_scheduler.sql_schedules import DATABASE
from tests.support.databases import service_database

LOOK_SECONDS = 0.5
LIMIT_SECONDS = 120.0
TIMES_AS_LONG = 4
SHORTEST_NOTICE = timedelta(seconds=2)

BODY = {"to": "ada@example.com", "subject": "It is time", "body": "Good morning."}

schedules: Table = ScheduleRow.__table__  # type: ignore[attr-defined]
ticks: Table = TickRow.__table__  # type: ignore[attr-defined]
_IS_PUBLISHED = ticks.c.published_at.is_not(None)


@dataclass(frozen=True)
class Sizes:
    """How many, how quickly one after the other."""

    schedules: int = size(10_000, "schedules, each due once")
    due_per_second: int = size(400, "of them are due each second")


async def firing(kind: str, broker: BrokerNode, sizes: Sizes, figures: Figures) -> None:
    """All of them on one kind of database."""
    with tempfile.TemporaryDirectory(prefix="postroom-bench-") as folder:
        file = Path(folder) / "schedules.yaml"
        file.write_text("schedules: []\n")
        async with empty_database(kind) as url:
            settings = {"POSTROOM_DATABASE_URL": url, "SCHEDULER_FILE": str(file)}
            async with running_service("scheduler", broker.amqp_url, settings):
                database = service_database(url, "scheduler")
                try:
                    await _set_schedules(database, sizes)
                    fired = await _all_published(database, sizes)
                finally:
                    await database.close()
    late = [(published_at - fire_time).total_seconds() for fire_time, published_at in fired]
    took = max(published_at for _, published_at in fired) - min(published_at for _, published_at in fired)
    figures.add_spread(f"{kind}, {sizes.schedules:,} schedules, late by", late, "s")
    figures.add(f"{kind}, due", sizes.due_per_second, "per second")
    figures.add(f"{kind}, published", (len(fired) - 1) / took.total_seconds(), "per second")


async def _set_schedules(database: Database, sizes: Sizes) -> None:
    """Set all of them before the first is due, in one transaction. Raises TimeoutError when it is due before."""
    began = datetime.now(UTC)
    _rows(sizes, began)  # what that takes here says how much time the rest needs
    first = datetime.now(UTC) + TIMES_AS_LONG * (datetime.now(UTC) - began) + SHORTEST_NOTICE
    rows = _rows(sizes, first)
    await database.run(lambda connection: connection.execute(insert(schedules), rows))
    if datetime.now(UTC) > first:
        raise TimeoutError("the schedules were not all in the database when the first was due")


def _rows(sizes: Sizes, first: datetime) -> list[dict[str, Any]]:
    """Schedules as a person or a program sets them: not those of the file."""
    rows, now = [], datetime.now(UTC)
    for number in range(sizes.schedules):
        at = first + timedelta(seconds=number / sizes.due_per_second)
        schedule = SetSchedule(name=f"bench-{number}", at=at, job="email.send", body=BODY)
        row = {"name": schedule.name, "source": DATABASE, "definition": definition_of(schedule), "is_paused": False}
        rows.append(row | {"next_at": at, "changed_at": now, "changed_by": "bench"})
    return rows


async def _all_published(database: Database, sizes: Sizes) -> list[tuple[datetime, datetime]]:
    """When each was due and when it was published, once all are."""
    async with asyncio.timeout(LIMIT_SECONDS + 10 * sizes.schedules / sizes.due_per_second):
        while await _count(database, select(func.count()).where(_IS_PUBLISHED)) < sizes.schedules:
            await asyncio.sleep(LOOK_SECONDS)
    moments = select(ticks.c.fire_time, ticks.c.published_at).where(_IS_PUBLISHED)
    rows = await database.run(lambda connection: connection.execute(moments).all())
    return [(row.fire_time, row.published_at) for row in rows]


async def _count(database: Database, query: Select[int]) -> int:
    return await database.run(lambda connection: connection.scalar(query)) or 0


FAMILY = Family(
    "Lateness of schedules",
    Sizes,
    {f"schedules on {kind}": partial(firing, kind) for kind in DATABASES},
)

if __name__ == "__main__":
    run_alone(FAMILY)
