"""Group commit: many small writes of concurrent tasks become one transaction.

While one transaction runs, what arrives meanwhile is gathered for the next, so that batches grow with the load
and a single write does not wait for others. While the database is away writes wait, and none is lost.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError

from postroom.storage.database import Database

log = logging.getLogger(__name__)

LARGEST_BATCH = 500
LONGEST_PAUSE_SECONDS = 5.0


class Write(NamedTuple):
    """One requested write, and the future of its result."""

    operation: Any
    result: "asyncio.Future[Any]"


Commit = Callable[[Connection, list[Any]], list[Any]]
"""Carries out the operations in the given transaction and returns their results in order."""


class GroupCommit:
    """Carries out writes in transactions, one after the other, each with all writes that waited.

    Args:
        database: where to.
        commit: carries out one batch.
    """

    def __init__(self, database: Database, commit: Commit) -> None:
        self._database = database
        self._commit = commit
        self._waiting: list[Write] = []
        self._task: asyncio.Task[None] | None = None
        self.is_failing = False

    async def write(self, operation: Any) -> Any:
        """Carry out `operation`. Returns its result once it is committed."""
        loop = asyncio.get_running_loop()
        result = loop.create_future()
        self._waiting.append(Write(operation, result))
        if self._task is None:
            self._task = loop.create_task(self._run())
        return await result

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
                await self._carry_out(batch)
                # The tasks just woken run now, so that what they write next is in the next batch.
                await asyncio.sleep(0)
        finally:
            self._task = None

    async def _carry_out(self, batch: list[Write]) -> None:
        operations = [write.operation for write in batch]
        pause = 0.1
        while True:
            try:
                results = await self._database.run(lambda connection: self._commit(connection, operations))
            except Exception as error:  # noqa: BLE001 - raised for every waiting write where trying again does not help
                if not _is_outage(error):
                    _settle_all(batch, asyncio.Future.set_exception, [error] * len(batch))
                    return
                self.is_failing = True
                log.warning("The database does not take writes (%s); again in %.1f s", type(error).__name__, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            else:
                self.is_failing = False
                _settle_all(batch, asyncio.Future.set_result, results)
                return


def _is_outage(error: Exception) -> bool:
    # With asyncpg a connection that breaks in the middle of a statement is none of the errors one would expect.
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, OperationalError | InterfaceError | InternalError | OSError)


def _settle_all(batch: list[Write], give: Callable[["asyncio.Future[Any]", Any], object], results: list[Any]) -> None:
    for write, result in zip(batch, results, strict=True):
        if not write.result.done():  # its task may have been cancelled meanwhile
            give(write.result, result)
