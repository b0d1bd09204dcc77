"""One service's database as one compressed file, and back; with the rows counted in both.

SQLite by its online back-up, which stops no writer; PostgreSQL by `pg_dump` of the service's schema.
"""

import asyncio
import gzip
import os
import secrets
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from postroom.privacy.redaction import redact
from postroom.storage.database import Database
from postroom_maintenance.databases import row_counts, table_names
from postroom_maintenance.errors import BackUpFailed

Counts = dict[str, int]


class SqliteDump:
    """Of a SQLite file."""

    suffix = "sqlite3.gz"

    def __init__(self, database: Database) -> None:
        self._file = Path(str(database.engine.url.database))

    async def write(self, target: Path) -> Counts:
        """Write the dump and return how many rows each table in it has."""
        return await asyncio.to_thread(self._write, target)

    async def restore_and_count(self, dump: Path) -> Counts:
        """Restore it beside the dump, look whether it is whole, and count. Raises BackUpFailed."""
        return await asyncio.to_thread(self._restore_and_count, dump)

    def _write(self, target: Path) -> Counts:
        copy = target.with_suffix(".copy")
        with closing(sqlite3.connect(self._file)) as source, closing(sqlite3.connect(copy)) as into:
            source.backup(into)
            counts = _count(into)
        with copy.open("rb") as plain, gzip.open(target, "wb", compresslevel=6) as packed:
            shutil.copyfileobj(plain, packed)
        copy.unlink()
        return counts

    def _restore_and_count(self, dump: Path) -> Counts:
        scratch = dump.with_suffix(".restored")
        try:
            with gzip.open(dump, "rb") as packed, scratch.open("wb") as plain:
                shutil.copyfileobj(packed, plain)
            with closing(sqlite3.connect(scratch)) as restored:
                (verdict,) = restored.execute("PRAGMA integrity_check").fetchone()
                if verdict != "ok":
                    raise BackUpFailed(f"the restored database is broken: {verdict}")
                return _count(restored)
        except (OSError, EOFError, sqlite3.Error) as error:
            raise BackUpFailed(f"the dump cannot be restored: {error}") from None
        finally:
            scratch.unlink(missing_ok=True)


class PostgresDump:
    """Of one schema of a PostgreSQL database."""

    suffix = "dump"

    def __init__(self, database: Database) -> None:
        self._database = database
        self._url = make_url(database.engine.url)

    async def write(self, target: Path) -> Counts:
        """Write the dump and return how many rows each table had at its moment."""
        async with self._database.engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            snapshot = str(await connection.scalar(text("SELECT pg_export_snapshot()")))
            counts = await connection.run_sync(lambda sync: row_counts(sync, table_names(sync, self._database)))
            schema = f'--schema="{self._database.service}"'
            await _run("pg_dump", self._url, "--format=custom", f"--snapshot={snapshot}", schema, f"--file={target}")
        return counts

    async def restore_and_count(self, dump: Path) -> Counts:
        """Restore it into a database that is made for it and dropped, and count. Raises BackUpFailed."""
        scratch = f"postroom_verify_{secrets.token_hex(6)}"
        async with self._database.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text(f'CREATE DATABASE "{scratch}"'))
            try:
                url = self._url.set(database=scratch)
                await _run("pg_restore", url, "--exit-on-error", "--no-owner", "--no-privileges", str(dump))
                return await self._count(url)
            finally:
                await asyncio.shield(connection.execute(text(f'DROP DATABASE "{scratch}" WITH (FORCE)')))

    async def _count(self, url: URL) -> Counts:
        settings = {"server_settings": {"search_path": f'"{self._database.service}"'}}
        engine = create_async_engine(url, connect_args=settings)
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(lambda sync: row_counts(sync, table_names(sync, self._database)))
        finally:
            await engine.dispose()


def _count(connection: sqlite3.Connection) -> Counts:
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {
        name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - from the database itself
        for (name,) in sorted(names.fetchall())
    }


async def _run(program: str, url: URL, *arguments: str) -> None:
    where = [f"--host={url.host}", f"--port={url.port or 5432}", f"--username={url.username}"]
    # The password is not in the list of processes.
    environment = {**os.environ, "PGDATABASE": url.database or "", "PGPASSWORD": url.password or ""}
    into = [f"--dbname={url.database}"] if program == "pg_restore" else []
    try:
        process = await asyncio.create_subprocess_exec(
            program, *where, *into, "--no-password", *arguments, env=environment, stderr=asyncio.subprocess.PIPE
        )
    except FileNotFoundError:
        raise BackUpFailed(f"there is no {program} here; Debian: apt-get install postgresql-client") from None
    try:
        _, errors = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        lines = errors.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise BackUpFailed(f"{program} ended with code {process.returncode}: {redact(lines[-1])}")
