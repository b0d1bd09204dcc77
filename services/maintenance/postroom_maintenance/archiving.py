"""`maintenance.archive`: old history to compressed files in the object storage, and only then out of the database.

A file is named after the first row in it. A run that dies before it has deleted its rows writes the same file again;
one that dies in between writes the rest into a file of their own. No row is lost; some may stand in two files, and
have the same id there.
"""

import asyncio
import gzip
import hashlib
import logging
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import text

from postroom.storage.database import Database
from postroom.storage.object_storage import NoSuchObject, ObjectStorage, StorageAway, StorageFull
from postroom.wire.errors import ProviderUnavailable
from postroom_maintenance.batches import Batches
from postroom_maintenance.databases import ServiceDatabases
from postroom_maintenance.errors import BackUpFailed

log = logging.getLogger(__name__)

FOLDER = "archive"
ARCHIVE_PREFIX = "postroom-archive-"
ROWS_IN_A_FILE = 20_000  # of 1 KiB: 20 MiB of memory


class Archiver:
    """Moves old history out of the databases."""

    def __init__(self, databases: ServiceDatabases, storage: ObjectStorage) -> None:
        self._databases = databases
        self._storage = storage

    async def archive(self, older_than_days: int, service: str | None = None) -> int:
        """Archive the history of one service, or of all; returns how many rows.

        Raises PermanentFailure for a service without a database, BackUpFailed, ProviderUnavailable.
        """
        before = datetime.now(UTC) - timedelta(days=older_than_days)
        count = 0
        try:
            for name in await self._databases.services(service):
                async with self._databases.open(name) as database:
                    while rows := await self._oldest(database, before):
                        await self._archive(name, database, rows)
                        count += len(rows)
        except (StorageAway, NoSuchObject) as error:
            raise ProviderUnavailable(f"the storage of archives: {error}") from None
        except StorageFull as error:
            raise BackUpFailed(str(error)) from None
        return count

    async def _oldest(self, database: Database, before: datetime) -> list[dict[str, Any]]:
        oldest = text("SELECT * FROM history WHERE at < :before ORDER BY id LIMIT :size")
        async with database.engine.connect() as connection:
            found = await connection.execute(oldest, {"before": before, "size": ROWS_IN_A_FILE})
            return [dict(row._mapping) for row in found]

    async def _archive(self, service: str, database: Database, rows: list[dict[str, Any]]) -> None:
        key = f"{FOLDER}/{service}/history-{rows[0]['id']:012}.jsonl.gz"
        with tempfile.TemporaryDirectory(prefix=ARCHIVE_PREFIX) as name:
            written, fetched = Path(name) / "written", Path(name) / "fetched"
            digest = await asyncio.to_thread(_pack, rows, written)
            await self._storage.write(key, written, "application/gzip")
            await self._storage.fetch(key, fetched)
            if await asyncio.to_thread(_unpacked_digest, fetched) != digest:
                raise BackUpFailed(f"{key} came back from the storage as something else; nothing was deleted")
        deleted = await Batches(database).delete_keys("history", "id", [row["id"] for row in rows])
        log.info("%s: %d rows of history archived as %s, %d deleted", service, len(rows), key, deleted)


def _pack(rows: list[dict[str, Any]], target: Path) -> str:
    digest = hashlib.sha256()
    with gzip.open(target, "wb") as file:
        for row in rows:
            line = orjson.dumps(row, default=str, option=orjson.OPT_APPEND_NEWLINE)
            digest.update(line)
            file.write(line)
    return digest.hexdigest()


def _unpacked_digest(file: Path) -> str:
    digest = hashlib.sha256()
    try:
        with gzip.open(file, "rb") as plain:
            while some := plain.read(1024 * 1024):
                digest.update(some)
    except (OSError, EOFError):
        return ""
    return digest.hexdigest()
