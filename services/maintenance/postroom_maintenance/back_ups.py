"""`maintenance.back-up`: each database to the object storage, proved by restoring it, and old ones rotated.

A back-up is a dump and, beside it, a manifest. The manifest is written last, when the dump was read back from the
storage and restored with the same number of rows in each table: a dump without one does not count.
"""

import asyncio
import logging
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from postroom.storage.object_storage import NoSuchObject, ObjectStorage, StorageAway, StorageFull
from postroom.wire.errors import ProviderUnavailable
from postroom_maintenance.databases import ServiceDatabases
from postroom_maintenance.dumping import PostgresDump, SqliteDump
from postroom_maintenance.errors import BackUpFailed
from postroom_maintenance.settings import MaintenanceSettings

log = logging.getLogger(__name__)

FOLDER = "back-ups"
BACK_UP_PREFIX = "postroom-back-up-"
_MOMENT = "%Y-%m-%dT%H%M%SZ"


class BackUps:
    """Makes and rotates back-ups.

    Args:
        databases: those of all services.
        storage: where back-ups go.
        settings: how many are kept.
    """

    def __init__(self, databases: ServiceDatabases, storage: ObjectStorage, settings: MaintenanceSettings) -> None:
        self._databases = databases
        self._storage = storage
        self._settings = settings

    async def back_up(self, service: str | None = None) -> list[dict[str, Any]]:
        """Back up one service's database, or each that is there; returns the manifests.

        Raises BackUpFailed, PermanentFailure for a service without a database, ProviderUnavailable.
        """
        made = []
        try:
            for name in await self._databases.services(service):
                made.append(await self._back_up(name))
                await self._rotate(name)
        except (StorageAway, NoSuchObject) as error:
            raise ProviderUnavailable(f"the storage of back-ups: {error}") from None
        except StorageFull as error:
            raise BackUpFailed(str(error)) from None
        return made

    async def _back_up(self, service: str) -> dict[str, Any]:
        moment = datetime.now(UTC)
        async with self._databases.open(service) as database:
            dump = SqliteDump(database) if database.is_sqlite else PostgresDump(database)
            key = f"{FOLDER}/{service}/{moment.strftime(_MOMENT)}.{dump.suffix}"
            with tempfile.TemporaryDirectory(prefix=BACK_UP_PREFIX) as name:
                written, fetched = Path(name) / "written", Path(name) / "fetched"
                counts = await dump.write(written)
                stored = await self._storage.write(key, written, "application/octet-stream")
                written.unlink()
                if await self._storage.fetch(key, fetched) != stored:
                    raise BackUpFailed(f"{key} came back from the storage as something else")
                restored = await dump.restore_and_count(fetched)
                if restored != counts:
                    raise BackUpFailed(f"{service}: restored, {_difference(counts, restored)}")
                manifest = {
                    "service": service,
                    "made_at": moment,
                    "object": key,
                    "bytes": stored.bytes,
                    "sha256": stored.sha256,
                    "rows": counts,
                }
                await self._write_manifest(key, manifest, Path(name) / "manifest")
        log.info("%s backed up and restored for proof: %s, %d bytes", service, key, stored.bytes)
        return manifest

    async def _write_manifest(self, key: str, manifest: dict[str, Any], file: Path) -> None:
        await asyncio.to_thread(file.write_bytes, orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
        await self._storage.write(f"{key}.json", file, "application/json")

    async def _rotate(self, service: str) -> None:
        keys = set(await self._storage.keys_under(f"{FOLDER}/{service}"))
        proved = sorted(key.removesuffix(".json") for key in keys if key.endswith(".json"))
        kept = kept_of(
            {key: made_at(key) for key in proved},
            self._settings.keep_daily,
            self._settings.keep_weekly,
            self._settings.keep_monthly,
        )
        newest = proved[-1] if proved else ""
        # A dump without manifest that is older than a proved one is the rest of a try that failed.
        failed = [key for key in keys if not key.endswith(".json") and f"{key}.json" not in keys and key < newest]
        old = [key for key in proved if key not in kept]
        # The manifest goes first: a manifest always has its dump.
        await self._storage.delete([f"{key}.json" for key in old] + old + failed)


def made_at(key: str) -> datetime:
    """When the back-up of that key was made."""
    return datetime.strptime(Path(key).name.partition(".")[0], _MOMENT).replace(tzinfo=UTC)


def kept_of(back_ups: dict[str, datetime], daily: int, weekly: int, monthly: int) -> set[str]:
    """Which back-ups stay: the newest of each of so many last days, weeks and months that have one."""
    newest_first = sorted(back_ups, key=lambda key: back_ups[key], reverse=True)
    kept: set[str] = set()
    for count, period in (
        (daily, lambda moment: moment.date()),
        (weekly, lambda moment: moment.isocalendar()[:2]),
        (monthly, lambda moment: (moment.year, moment.month)),
    ):
        kept |= set(_first_of_each(newest_first, count, lambda key, period=period: period(back_ups[key])))  # type: ignore[misc]
    return kept


def _first_of_each(keys: Iterable[str], count: int, period: Callable[[str], Any]) -> list[str]:
    firsts: dict[Any, str] = {}
    for key in keys:
        firsts.setdefault(period(key), key)
    return list(firsts.values())[:count]


def _difference(counts: dict[str, int], restored: dict[str, int]) -> str:
    names = [name for name in sorted(counts.keys() | restored.keys()) if counts.get(name) != restored.get(name)]
    return "; ".join(f"{name} has {restored.get(name)} rows instead of {counts.get(name)}" for name in names)
