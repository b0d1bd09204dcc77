"""Deletes many rows in short transactions, so that other writers hardly wait.

Each transaction is measured and the next one is made as large as fits into AIM; after each, as much time as it took
belongs to the others.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, text

from postroom.storage.database import Database
from postroom.storage.retention import Retention

AIM = timedelta(milliseconds=10)
FIRST_BATCH = 100
LARGEST_BATCH = 2_000
LONGEST_PAUSE_SECONDS = 0.1


class Batches:
    """Deletes rows of one database, a few at a time.

    Attributes:
        longest: the longest transaction so far.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._row = "rowid" if database.is_sqlite else "ctid"
        self._size = FIRST_BATCH
        self.longest = timedelta(0)

    async def delete_old(self, what: Retention, before: datetime) -> int:
        """Delete what is older, and return how many rows. Cancelled, it has deleted some, and may go on later."""
        old = f"{what.age} < :before" + (f" AND {what.condition}" if what.condition else "")
        some = f'SELECT {self._row} FROM "{what.table}" WHERE {old} LIMIT :size'  # noqa: S608 - names of our own
        chosen = f"IN ({some})" if self._database.is_sqlite else f"= ANY(ARRAY({some}))"
        return await self._repeat(f'DELETE FROM "{what.table}" WHERE {self._row} {chosen}', {"before": before})  # noqa: S608

    async def delete_keys(self, table: str, column: str, keys: Sequence[Any]) -> int:
        """Delete the rows with these keys."""
        statement = text(f'DELETE FROM "{table}" WHERE {column} IN :keys').bindparams(  # noqa: S608 - names of our own
            bindparam("keys", expanding=True)
        )
        count, at = 0, 0
        while at < len(keys):
            some = list(keys[at : at + self._size])
            at += len(some)
            count += await self._measured(lambda connection, some=some: connection.execute(statement, {"keys": some}))
        return count

    async def _repeat(self, statement: str, values: dict[str, Any]) -> int:
        count = 0
        while True:
            size = self._size
            deleted = await self._measured(
                lambda connection, size=size: connection.execute(text(statement), {**values, "size": size})
            )
            count += deleted
            if deleted < size:
                return count

    async def _measured(self, work: Any) -> int:
        def timed(connection: Connection) -> tuple[int, float]:
            began = time.perf_counter()  # the transaction has begun: on SQLite it holds the only write
            return work(connection).rowcount, began

        count, began = await self._database.run(timed)
        took = timedelta(seconds=time.perf_counter() - began)
        self.longest = max(self.longest, took)
        factor = min(1.5, max(0.25, AIM / max(took, timedelta(microseconds=1))))
        self._size = min(LARGEST_BATCH, max(10, int(self._size * factor)))
        await asyncio.sleep(min(took.total_seconds(), LONGEST_PAUSE_SECONDS))
        return count
