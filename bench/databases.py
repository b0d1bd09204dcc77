"""Databases that are measured: a SQLite file, and a PostgreSQL of this machine."""

import os
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from postroom.wire.errors import PostroomError

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
DATABASES = (SQLITE, POSTGRESQL)
TRUSTING = "postgresql://postgres@localhost:5432/postgres"
"""Used when POSTROOM_TEST_POSTGRES_URL names no other server."""


class NoServer(PostroomError):
    """There is no database server to measure on."""


@asynccontextmanager
async def empty_database(kind: str) -> AsyncIterator[str]:
    """A new database of that kind, removed at the end; its URL is one for POSTROOM_DATABASE_URL.

    Raises NoServer when there is no such server.
    """
    if kind == SQLITE:
        with tempfile.TemporaryDirectory(prefix="postroom-bench-") as folder:
            yield f"sqlite+aiosqlite:///{Path(folder) / 'bench.sqlite3'}"
        return
    server = urlsplit(os.environ.get("POSTROOM_TEST_POSTGRES_URL") or TRUSTING)
    name = f"bench_{uuid.uuid4().hex[:12]}"
    await _execute(server._replace(scheme="postgresql").geturl(), f'CREATE DATABASE "{name}"')
    try:
        yield server._replace(scheme="postgresql+asyncpg", path=f"/{name}").geturl()
    finally:
        await _execute(server._replace(scheme="postgresql").geturl(), f'DROP DATABASE "{name}" WITH (FORCE)')


async def _execute(url: str, statement: str) -> None:
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        place = urlsplit(url)
        raise NoServer(f"no PostgreSQL at {place.hostname}:{place.port or 5432}: {error}") from None
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
