"""Puts maintenance together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.runtime.assembly import Runtime
from postroom.settings import ReportStorageSettings, read_settings
from postroom.storage.object_storage import ObjectStorage
from postroom.storage.tokens import TokenVault
from postroom.worker import Adapters
from postroom_maintenance.archiving import Archiver
from postroom_maintenance.back_ups import BackUps
from postroom_maintenance.cleaning import Cleaner
from postroom_maintenance.databases import ServiceDatabases
from postroom_maintenance.settings import MaintenanceSettings
from postroom_maintenance.token_refresh import TokenRefresher


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
        Archiver: Archiver(databases, storage),
        TokenRefresher: TokenRefresher(TokenVault.from_settings(runtime.settings)),
    }
