"""The databases of all services, as the operator sees them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect, make_url, text

from postroom.installation import find_service, installed_services
from postroom.settings import RuntimeSettings
from postroom.storage.database import Database, database_of
from postroom.storage.retention import OF_THE_RUNTIME, Retention
from postroom.wire.errors import PermanentFailure


def retention_of(service: str) -> tuple[Retention, ...]:
    """What the service declares that may go of its tables, and the tables that every service has."""
    return (*OF_THE_RUNTIME, *find_service(service).load_retention())


def service_names() -> list[str]:
    """All that are installed: what one of them left may go also where it does not run any more."""
    return [service.name for service in installed_services()]


class ServiceDatabases:
    """Opens the database of each service that has one.

    Args:
        settings: say where they are.
    """

    def __init__(self, settings: RuntimeSettings) -> None:
        self._settings = settings

    async def services(self, wanted: str | None = None) -> list[str]:
        """The services that have a database here, or the wanted one. Raises PermanentFailure when that has none."""
        found = [name for name in service_names() if await self._exists(name)]
        if wanted is not None and wanted not in found:
            raise PermanentFailure(f"target: no service {wanted!r} has a database here; there are: {', '.join(found)}")
        return [wanted] if wanted else found

    @asynccontextmanager
    async def open(self, service: str) -> AsyncIterator[Database]:
        """The service's database, until the end of the block."""
        database = database_of(find_service(service), self._settings)
        try:
            yield database
        finally:
            await database.close()

    async def _exists(self, service: str) -> bool:
        url = make_url(self._settings.service_database_url(service))
        if url.get_backend_name() == "sqlite":
            return await asyncio.to_thread(Path(str(url.database)).is_file)
        async with self.open(service) as database, database.engine.connect() as connection:
            found = text("SELECT 1 FROM information_schema.schemata WHERE schema_name = :name")
            return await connection.scalar(found, {"name": service}) is not None


def table_names(connection: Connection, database: Database) -> list[str]:
    """The tables of a service's database."""
    return sorted(inspect(connection).get_table_names(schema=None if database.is_sqlite else database.service))


def row_counts(connection: Connection, tables: list[str]) -> dict[str, int]:
    """How many rows each table has."""
    return {name: int(connection.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0) for name in tables}  # noqa: S608
