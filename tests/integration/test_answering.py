"""Commands that ask a service's database leave it as it is, and say where they find none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from postroom.operator.cli.asking import ask_service
from postroom.wire.errors import ConfigurationError, NoDatabase
from tests.support.databases import service_database
from tests.support.processes import PROJECT

QUESTIONS = [("alerting", "list", "open"), ("audit", "show", "m-1"), ("scheduler", "list")]
on_each_service = pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: str(question[0]))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("POSTROOM_DATA_DIR", str(folder))
    monkeypatch.delenv("POSTROOM_DATABASE_URL", raising=False)
    return folder


@on_each_service
def test_where_a_service_never_ran_nothing_is_made(folder: Path, question: tuple[str, ...]) -> None:
    with pytest.raises(NoDatabase, match=rf"no database at {folder}/{question[0]}.*POSTROOM_DATA_DIR"):
        ask_service(*question)

    assert not folder.exists()


@on_each_service
async def test_an_empty_database_stays_empty(
    question: tuple[str, ...], postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_DATABASE_URL", postgres_url)

    with pytest.raises(NoDatabase, match="no tables in this database"):
        ask_service(*question)

    database = service_database(postgres_url, question[0])
    assert question[0] not in await database.run(lambda connection: inspect(connection).get_schema_names())
    await database.close()


@on_each_service
async def test_tables_of_an_older_version_are_not_brought_to_this_one(folder: Path, question: tuple[str, ...]) -> None:
    database = service_database(f"sqlite+aiosqlite:///{folder}/{question[0]}.sqlite3", question[0])
    await database.migrate()
    await database.run(
        lambda connection: connection.execute(
            text("UPDATE alembic_version SET version_num = 'runtime_0001' WHERE version_num = 'runtime_0002'")
        )
    )

    with pytest.raises(ConfigurationError, match="of another version"):
        ask_service(*question)

    assert "runtime_0001" in await database.run(
        lambda connection: connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    )
    await database.close()


@on_each_service
async def test_tables_of_a_newer_version_are_not_read_by_this_one(folder: Path, question: tuple[str, ...]) -> None:
    database = service_database(f"sqlite+aiosqlite:///{folder}/{question[0]}.sqlite3", question[0])
    await database.migrate()
    newer = "INSERT INTO alembic_version VALUES ('9999_from_the_future')"
    await database.run(lambda connection: connection.execute(text(newer)))
    await database.close()

    with pytest.raises(ConfigurationError, match="of another version"):
        ask_service(*question)


@on_each_service
def test_a_database_that_cannot_be_used_is_told_in_one_line(folder: Path, question: tuple[str, ...]) -> None:
    folder.mkdir()
    (folder / f"{question[0]}.sqlite3").write_text("this is no database, but somebody's notes" * 50)

    with pytest.raises(ConfigurationError, match=f"the {question[0]} service's database cannot be used: ") as raised:
        ask_service(*question)

    assert "\n" not in str(raised.value)


def test_on_the_command_line_it_is_a_wrong_setting(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "postroom.operator.cli", "alerts", "list", "--json"],
        cwd=PROJECT, env={**os.environ, "COLUMNS": "300"}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (2, "")
    assert "POSTROOM_DATA_DIR" in done.stderr
    assert not folder.exists()
