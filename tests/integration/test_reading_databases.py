"""Whoever reads a service's database leaves it as it is, and says where there is none: commands and read ports."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text
from typer.testing import CliRunner

from postroom.installation import read_port
from postroom.operator.cli import app
from postroom.read_ports import OPEN_INCIDENTS, TIMELINE, ReadPort
from postroom.terminal import ExitCode
from postroom.wire.errors import ConfigurationError, NoDatabase
from tests.support.databases import service_database
from tests.support.processes import PROJECT


@dataclass(frozen=True)
class Reader:
    """Reads `service`'s database. Raises `absent` where there is none, ConfigurationError for one that is no good."""

    service: str
    read: Callable[[], object]
    absent: type[ConfigurationError]


def command(service: str, *arguments: str) -> Reader:
    """`postroom …`, which says on one line what is wrong, and ends with 2."""

    def read() -> None:
        result = CliRunner().invoke(app, arguments)
        assert (result.exit_code, result.stdout) == (ExitCode.USAGE, ""), result.output
        raise ConfigurationError(result.stderr.removeprefix("error: ").removesuffix("\n"))

    return Reader(service, read, ConfigurationError)


def port(service: str, name: ReadPort[Any], *arguments: str) -> Reader:
    """A read port, as it is found."""
    return Reader(service, lambda: asyncio.run(read_port(name)(*arguments)), NoDatabase)


READERS = {
    "alerts": command("alerting", "alerts", "list"),
    "history": command("audit", "history", "show", "m-1"),
    "schedules": command("scheduler", "schedules", "list"),
    "open incidents": port("alerting", OPEN_INCIDENTS),
    "timeline": port("audit", TIMELINE, "m-1"),
}
on_each_reader = pytest.mark.parametrize("reader", READERS.values(), ids=READERS)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("POSTROOM_DATA_DIR", str(folder))
    monkeypatch.delenv("POSTROOM_DATABASE_URL", raising=False)
    return folder


@on_each_reader
def test_where_a_service_never_ran_nothing_is_made(folder: Path, reader: Reader) -> None:
    with pytest.raises(reader.absent, match=rf"no database at {folder}/{reader.service}.*POSTROOM_DATA_DIR"):
        reader.read()

    assert not folder.exists()


@on_each_reader
async def test_an_empty_database_stays_empty(
    reader: Reader, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_DATABASE_URL", postgres_url)

    with pytest.raises(reader.absent, match="no tables in this database"):
        await asyncio.to_thread(reader.read)

    database = service_database(postgres_url, reader.service)
    assert reader.service not in await database.run(lambda connection: inspect(connection).get_schema_names())
    await database.close()


@on_each_reader
async def test_tables_of_an_older_version_are_not_brought_to_this_one(folder: Path, reader: Reader) -> None:
    database = service_database(f"sqlite+aiosqlite:///{folder}/{reader.service}.sqlite3", reader.service)
    await database.migrate()
    await database.run(
        lambda connection: connection.execute(
            text("UPDATE alembic_version SET version_num = 'runtime_0001' WHERE version_num = 'runtime_0002'")
        )
    )

    with pytest.raises(ConfigurationError, match="of another version"):
        await asyncio.to_thread(reader.read)

    assert "runtime_0001" in await database.run(
        lambda connection: connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    )
    await database.close()


@on_each_reader
async def test_tables_of_a_newer_version_are_not_read_by_this_one(folder: Path, reader: Reader) -> None:
    database = service_database(f"sqlite+aiosqlite:///{folder}/{reader.service}.sqlite3", reader.service)
    await database.migrate()
    newer = "INSERT INTO alembic_version VALUES ('9999_from_the_future')"
    await database.run(lambda connection: connection.execute(text(newer)))
    await database.close()

    with pytest.raises(ConfigurationError, match="of another version"):
        await asyncio.to_thread(reader.read)


@on_each_reader
def test_a_database_that_cannot_be_used_is_told_in_one_line(folder: Path, reader: Reader) -> None:
    folder.mkdir()
    (folder / f"{reader.service}.sqlite3").write_text("this is no database, but somebody's notes" * 50)

    with pytest.raises(ConfigurationError, match=f"the {reader.service} service's database cannot be used: ") as raised:
        reader.read()

    assert "\n" not in str(raised.value)


def test_on_the_command_line_it_is_a_wrong_setting(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "postroom.operator.cli", "alerts", "list", "--json"],
        cwd=PROJECT, env={**os.environ, "COLUMNS": "300"}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (2, "")
    assert "POSTROOM_DATA_DIR" in done.stderr
    assert not folder.exists()
