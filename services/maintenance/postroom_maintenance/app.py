"""Puts maintenance together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.runtime import Adapters
from postroom.runtime.assembly import Runtime, run
from postroom.settings import ReportStorageSettings, read_settings
from postroom.storage.object_storage import ObjectStorage
from postroom.storage.tokens import TokenVault
from services.maintenance.archiving import Archivist
from services.maintenance.back_ups import BackUps
from services.maintenance.cleaning import Cleaner
from services.maintenance.databases import ServiceDatabases
from services.maintenance.handlers import worker
from services.maintenance.refreshing import Refresher
from services.maintenance.settings import MaintenanceSettings


@asynccontextmanager
async def adapters(runtime: Runtime) -> AsyncIterator[Adapters]:
    """What the chores need."""
    settings, data_dir = read_settings(MaintenanceSettings), runtime.settings.data_dir
    databases = ServiceDatabases(runtime.settings)
    storage = ObjectStorage(settings.storage_prefix(data_dir), "MAINTENANCE_STORAGE_URL")
    reports = ObjectStorage(read_settings(ReportStorageSettings).prefix(data_dir))
    yield {
        Cleaner: Cleaner(databases, reports, data_dir),
        BackUps: BackUps(databases, storage, settings),
        Archivist: Archivist(databases, storage),
        Refresher: Refresher(TokenVault.from_settings(runtime.settings)),
    }


def main() -> None:
    """Do chores until told to stop."""
    run(worker, adapters)
