"""An installation of the version before is taken over: its databases become those of this version, with all rows."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, inspect, text
from typer.testing import CliRunner

from postroom.installation import installed_services
from postroom.operator.cli import app
from postroom.settings import RuntimeSettings
from postroom.storage.database import Database, database_of
from postroom.terminal import ExitCode

BEFORE = Path(__file__).parents[1] / "data/databases_before"
NAMES = ["alerting", "audit", "email", "maintenance", "report", "scheduler", "sms", "webhook"]
MUTED, REPLAYED = "ad624b32bd", "mail-3"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """Of the server; None where each service has a file."""
    return request.getfixturevalue("postgres_url") if request.param == "postgresql" else None


@pytest.fixture
async def settings(database_url: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RuntimeSettings:
    """An installation as the version before left it."""
    monkeypatch.setenv("POSTROOM_DATA_DIR", str(tmp_path))
    if database_url is None:
        for dump in BEFORE.glob("sqlite/*.sql"):
            connection = sqlite3.connect(tmp_path / f"{dump.stem}.sqlite3")
            connection.executescript(dump.read_text())
            connection.close()
        return RuntimeSettings(data_dir=tmp_path, database_url=None)
    monkeypatch.setenv("POSTROOM_DATABASE_URL", database_url)
    server = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    await server.execute((BEFORE / "postgresql.sql").read_text())
    await server.close()
    return RuntimeSettings(data_dir=tmp_path, database_url=SecretStr(database_url))


async def test_no_row_is_lost_and_the_tables_are_of_this_version(settings: RuntimeSettings) -> None:
    assert [service.name for service in installed_services()] == NAMES
    for service in installed_services():
        database = database_of(service, settings)
        before = await database.run(lambda connection, it=database: _row_counts(connection, it))

        await database.migrate()

        await database.check_version()
        after = await database.run(lambda connection, it=database: _row_counts(connection, it))
        assert sum(before) > 0
        assert after == before, service.name
        await database.close()


async def test_its_commands_find_what_was_there(settings: RuntimeSettings) -> None:
    for service in installed_services():
        database = database_of(service, settings)
        await database.migrate()
        await database.close()

    groups = {each["key"]: each for each in await _answer("alerts", "list")}
    lines = [line["what"] for story in await _answer("history", "show", REPLAYED) for line in story["lines"]]
    schedules = {each["name"]: each for each in await _answer("schedules", "list")}

    assert groups[MUTED]["muted"]["by"] == "operator"
    assert any("replayed" in line for line in lines)
    assert set(schedules) == {"nightly", "often", "hello"}
    assert schedules["nightly"]["next"]


async def _answer(*arguments: str) -> Any:
    result = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--json"])
    assert result.exit_code <= ExitCode.PROBLEMS, result.output  # what is open is one
    return json.loads(result.stdout)


def _row_counts(connection: Connection, database: Database) -> list[int]:
    """How many rows the tables have that have any, the smallest first: a table may be called otherwise afterwards."""
    return sorted(count for count in _counts(connection, database) if count)


def _counts(connection: Connection, database: Database) -> Iterator[int]:
    for name in inspect(connection).get_table_names(schema=None if database.is_sqlite else database.service):
        if name != "alembic_version":
            yield int(connection.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0)  # noqa: S608
