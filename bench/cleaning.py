"""How long others wait while maintenance deletes what is old, on each kind of database: `python -m bench.cleaning`."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Connection, insert, text

from bench.databases import DATABASES, empty_database
from bench.family import Family, Figures, run_alone, size
from postroom.devkit.broker_node import BrokerNode
from postroom.installation import find_service
from postroom.runtime.inbox.tables import HistoryRow
from postroom.storage.database import Database
from postroom.storage.retention import HISTORY, Retention
from postroom_maintenance.batches import AIM, Batches

SERVICE = "email"
WRITE_PAUSE_SECONDS = 0.002
AT_ONCE = 10_000
"""Rows written in one transaction."""
_BEAT = text("INSERT INTO workers (holder, beats) VALUES ('w', 1) ON CONFLICT (holder) DO UPDATE SET beats = 1")


@dataclass(frozen=True)
class Sizes:
    """How much there is to delete."""

    cleaned_rows: int = size(200_000, "old rows of a service's history")


async def cleaning(kind: str, _broker: BrokerNode, sizes: Sizes, figures: Figures) -> None:
    """Delete all rows while somebody else writes."""
    async with empty_database(kind) as url, _opened(url) as database, _opened(url) as neighbour:
        await _fill(database, sizes.cleaned_rows)
        batches, waits = Batches(database), list[float]()
        writing = asyncio.create_task(_keep_writing(neighbour, waits))
        began = time.perf_counter()
        deleted = await batches.delete_old(Retention(HISTORY, "history", "at"), datetime.now(UTC))
        took = time.perf_counter() - began
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    longest = batches.longest / timedelta(milliseconds=1)
    figures.add(f"{kind}, rows deleted", deleted / took, "per second")
    figures.add(f"{kind}, longest transaction", longest, "ms")
    figures.add(f"{kind}, longest transaction", batches.longest / AIM, "of what is aimed at")
    figures.add_spread(f"{kind}, a write beside it", waits, "ms")


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Database]:
    database = Database(url, SERVICE, find_service(SERVICE).migrations_folder())
    try:
        await database.migrate()
        yield database
    finally:
        await database.close()


async def _fill(database: Database, rows: int) -> None:
    """Outcomes of a hundred days ago, as a service writes them down."""
    outcome = {
        "at": datetime.now(UTC) - timedelta(days=100),
        "queue": "email.send",
        "attempt": 1,
        "replays": 0,
        "outcome": "retried",
        "error_type": "RecipientsRefused",
        "error": "451 4.2.1 mailbox busy, try again later",
        "milliseconds": 12.5,
    }
    for start in range(0, rows, AT_ONCE):
        some = [outcome | {"message_id": f"m-{number}"} for number in range(start, min(start + AT_ONCE, rows))]
        await database.run(partial(_add, some))


def _add(rows: list[dict[str, object]], connection: Connection) -> None:
    connection.execute(insert(HistoryRow), rows)


async def _keep_writing(database: Database, waits: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await database.run(lambda connection: connection.execute(_BEAT))
        waits.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(WRITE_PAUSE_SECONDS)


FAMILY = Family(
    "Cleaning: what maintenance deletes, beside somebody who writes",
    Sizes,
    {f"cleaning on {kind}": partial(cleaning, kind) for kind in DATABASES},
    needs_broker=False,
)

if __name__ == "__main__":
    run_alone(FAMILY)
