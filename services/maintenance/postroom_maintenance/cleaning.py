"""`maintenance.clean`: what is old goes, by the rules of those whom it belongs to."""

import asyncio
import logging
import shutil
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import bindparam, text

from postroom.storage.database import Database
from postroom.storage.object_storage import ObjectStorage, StorageAway
from postroom.storage.retention import Retention
from postroom.wire.errors import PermanentFailure, ProviderUnavailable
from postroom_maintenance.archiving import ARCHIVE_PREFIX
from postroom_maintenance.back_ups import BACK_UP_PREFIX
from postroom_maintenance.batches import Batches
from postroom_maintenance.databases import ServiceDatabases, retention_of, service_names

log = logging.getLogger(__name__)

MAILS = "mails"
TEMPORARY_FILES = "temporary-files"
RUNS_AT_ONCE = 50
FOLDERS_OF_CHORES = (BACK_UP_PREFIX, ARCHIVE_PREFIX)


class Cleaner:
    """Deletes old rows, documents and files.

    Args:
        databases: those of all services.
        reports: the storage of the report service.
        data_dir: the data folder, with the mails that `postroom up` keeps.
    """

    def __init__(self, databases: ServiceDatabases, reports: ObjectStorage, data_dir: Path) -> None:
        self._databases = databases
        self._reports = reports
        self._data_dir = data_dir

    async def clean(self, target: str, older_than_days: int) -> int:
        """Delete what is older in `target`, and return how much. Raises PermanentFailure for an unknown target.

        Done in small steps: interrupted, it goes on the next time where it was.
        """
        before = datetime.now(UTC) - timedelta(days=older_than_days)
        known = targets()
        if target not in known:
            raise PermanentFailure(f"target: there is no {target!r}; there are: {', '.join(sorted(known))}")
        if target == MAILS:
            return await asyncio.to_thread(_delete_files, self._data_dir / "mail", "*.eml", before)
        if target == TEMPORARY_FILES:
            half_written = await asyncio.to_thread(_delete_files, self._data_dir, "**/.incoming/*", before)
            return half_written + await asyncio.to_thread(_delete_folders, Path(tempfile.gettempdir()), before)
        count = 0
        for service in await self._databases.services():
            for retention in retention_of(service):
                if retention.target == target:
                    count += await self._clean_table(service, retention, before)
        return count

    async def _clean_table(self, service: str, what: Retention, before: datetime) -> int:
        async with self._databases.open(service) as database:
            batches = Batches(database)
            if what.objects:
                count = await self._clean_with_objects(database, batches, what, before)
            else:
                count = await batches.delete_old(what, before)
        longest = batches.longest.total_seconds() * 1000
        log.info("%s: %d rows of %s deleted, the longest write took %.0f ms", service, count, what.table, longest)
        return count

    async def _clean_with_objects(self, database: Database, batches: Batches, what: Retention, before: datetime) -> int:
        old = text(
            f'SELECT {what.key} FROM "{what.table}" WHERE {what.age} < :before LIMIT {RUNS_AT_ONCE}'  # noqa: S608
        )
        belonging = text(what.objects).bindparams(bindparam("keys", expanding=True))
        count = 0
        while True:
            async with database.engine.connect() as connection:
                keys = list((await connection.scalars(old, {"before": before})).all())
                objects = list((await connection.scalars(belonging, {"keys": keys})).all()) if keys else []
            if not keys:
                return count
            try:
                await self._reports.delete(objects)  # first: a row that is gone names its objects no more
            except StorageAway as error:
                raise ProviderUnavailable(f"the storage of reports: {error}") from None
            for table in what.children:
                await batches.delete_keys(table, what.key, keys)
            count += await batches.delete_keys(what.table, what.key, keys)


def targets() -> set[str]:
    """What can be cleaned."""
    declared = {retention.target for service in service_names() for retention in retention_of(service)}
    return declared | {MAILS, TEMPORARY_FILES}


def _delete_folders(folder: Path, before: datetime) -> int:
    """What a killed chore left. The report service's folders are removed by its next start, which knows their locks."""
    count = 0
    for path in (path for prefix in FOLDERS_OF_CHORES for path in folder.glob(f"{prefix}*")):
        if path.is_dir() and path.stat().st_mtime < _latest(before):
            shutil.rmtree(path, ignore_errors=True)
            count += 1
    return count


def _latest(before: datetime) -> float:
    # What is of the last hour may still be written to, whatever age was asked for.
    return min(before.timestamp(), time.time() - 3600)


def _delete_files(folder: Path, pattern: str, before: datetime) -> int:
    count = 0
    for path in folder.glob(pattern):
        if path.is_file() and path.stat().st_mtime < _latest(before):
            path.unlink(missing_ok=True)
            count += 1
    return count
