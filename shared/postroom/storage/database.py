"""A service's own database: one SQLite file by default, one PostgreSQL schema in production.

A service reads and writes its own tables only. Their shape comes from Alembic migrations:
`shared/postroom/storage/migrations` for the tables of the runtime, and what the service declares for its own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, SingletonThreadPool

from postroom.service import Service
from postroom.settings import RuntimeSettings
from postroom.wire.errors import ConfigurationError, NoDatabase

Result = TypeVar("Result")

MIGRATION_LOCK = 7_077_001  # PostgreSQL advisory lock: one migration at a time over all services


class Database:
    """Connections to one service's database.

    Args:
        url: SQLAlchemy URL, `sqlite+aiosqlite:///…` or `postgresql+asyncpg://…`.
        service: names the PostgreSQL schema; on SQLite the file is the service's own.
        migrations: the folder of the migrations of its own tables; without it there are only those of the runtime.
    """

    def __init__(self, url: str, service: str, migrations: Traversable | None = None) -> None:
        self.service = service
        self._own_migrations = migrations
        self._url = make_url(url)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        self.engine = self._make_engine()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="database") if self.is_sqlite else None
        self._sync_engine = _sqlite_engine(self._url) if self.is_sqlite else None

    def _make_engine(self) -> AsyncEngine:
        if self.is_sqlite:
            if self._url.database:
                Path(self._url.database).parent.mkdir(parents=True, exist_ok=True)
            engine = create_async_engine(self._url)
            _prepare(engine.sync_engine)
            return engine
        if self._url.drivername != "postgresql+asyncpg":
            raise ConfigurationError(
                f"POSTROOM_DATABASE_URL: {self._url.drivername} is not supported; "
                "use postgresql+asyncpg://user:password@host/database"
            )
        return create_async_engine(
            self._url,
            pool_pre_ping=True,
            connect_args={"server_settings": {"search_path": f'"{self.service}"', "application_name": self.service}},
        )

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        """What `work` returns, called in one transaction: committed unless it raises.

        For the runtime's many small batches. On SQLite the whole transaction runs in one call to a thread of its own;
        the asynchronous driver would need a call per statement, which costs more than the statements.
        """
        if self._writer is None:
            async with self.engine.begin() as connection:
                return await connection.run_sync(work)
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._run_here, work)

    def _run_here(self, work: Callable[[Connection], Result]) -> Result:
        assert self._sync_engine is not None  # noqa: S101 - exists where the writer does
        with self._sync_engine.begin() as connection:
            return work(connection)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """One transaction with models; committed unless the block raises. Attributes stay readable after."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    async def migrate(self) -> None:
        """Bring the tables to the newest version. Safe to run from many processes at once."""
        async with self.engine.connect() as connection:
            if not self.is_sqlite:
                await connection.execute(text(f"SELECT pg_advisory_lock({MIGRATION_LOCK})"))
                await connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{self.service}"'))
                await connection.commit()
            try:
                await connection.run_sync(self._upgrade)
                await connection.commit()
            finally:
                if not self.is_sqlite:
                    await connection.rollback()
                    await connection.execute(text(f"SELECT pg_advisory_unlock({MIGRATION_LOCK})"))
                    await connection.commit()

    async def check_version(self) -> None:
        """Change nothing. Raises NoDatabase without tables, ConfigurationError when they are not of this version."""
        async with self.engine.connect() as connection:
            found = await connection.run_sync(lambda each: MigrationContext.configure(each).get_current_heads())
        if not found:
            raise NoDatabase(
                f"the {self.service} service has no tables in this database: has it run with this "
                "POSTROOM_DATA_DIR or POSTROOM_DATABASE_URL?"
            )
        if set(found) != set(ScriptDirectory.from_config(self._migrations()).get_heads()):
            raise ConfigurationError(
                f"the tables of the {self.service} service are of another version: use the command of the version "
                "that it runs, or start it in this one, which brings them up to date if they are older"
            )

    def _migrations(self) -> Config:
        shared_versions = files("postroom.storage") / "migrations" / "versions"
        locations = [str(shared_versions), *([str(self._own_migrations)] if self._own_migrations else [])]
        config = Config()
        config.set_main_option("script_location", str(files("postroom.storage") / "migrations").replace("%", "%%"))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", "\n".join(locations).replace("%", "%%"))
        return config

    def _upgrade(self, connection: Connection) -> None:
        config = self._migrations()
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "heads")
        except CommandError as error:
            raise ConfigurationError(
                f"the tables of {self.service} cannot be brought to this version ({error}); were they made by a "
                "newer one? Run that version, or restore the back-up made before upgrading"
            ) from None

    async def close(self) -> None:
        """Give all connections back."""
        await asyncio.shield(self.engine.dispose())
        if self._writer is not None and self._sync_engine is not None:
            await asyncio.get_running_loop().run_in_executor(self._writer, self._sync_engine.dispose)
            self._writer.shutdown(wait=False)


def database_of(service: Service, settings: RuntimeSettings) -> Database:
    """The database of a service, where the settings say."""
    return Database(settings.service_database_url(service.name), service.name, service.migrations_folder())


def _sqlite_engine(url: URL) -> Engine:
    # SQLite connections belong to a thread; the writer's one thread keeps its own.
    engine = create_engine(url.set(drivername="sqlite"), poolclass=SingletonThreadPool)
    _prepare(engine)
    return engine


def _prepare(engine: Engine) -> None:
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediately)


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # we begin transactions ourselves, see _begin_immediately
    cursor = connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        # After a power cut the last commits may be missing; their messages were not all acknowledged either,
        # and are done again. A process that dies loses nothing.
        "synchronous = NORMAL",
        "busy_timeout = 10000",  # milliseconds
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediately(connection: Connection) -> None:
    # A transaction that reads first and writes later would fail with "database is locked" instead of waiting.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
