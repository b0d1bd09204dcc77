"""Databases of services with rows of every age, for the chores to work on."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import insert, text

from postroom.runtime.inbox.tables import HistoryRow, InboxRow
from postroom.settings import RuntimeSettings
from postroom.storage.database import Database
from postroom_report.models import DocumentRow, RunRow
from tests.support.databases import service_database

NOW = datetime.now(UTC)
OLD, YOUNG = NOW - timedelta(days=100), NOW - timedelta(days=1)


def runtime_settings(data_dir: Path, database_url: str | None) -> RuntimeSettings:
    """Settings with SQLite files in `data_dir`, or with a PostgreSQL."""
    return RuntimeSettings(data_dir=data_dir, database_url=SecretStr(database_url) if database_url else None)


async def opened(settings: RuntimeSettings, service: str) -> Database:
    """A service's database with its tables."""
    database = service_database(settings.service_database_url(service), service)
    await database.migrate()
    return database


async def fill_history(database: Database, count: int, at: datetime) -> None:
    """So many outcomes of that time, written 10,000 at a time."""
    row = {
        "at": at,
        "queue": "email.send",
        "correlation_id": None,
        "attempt": 1,
        "replays": 0,
        "outcome": "retried",
        "error_type": "RecipientsRefused",
        "error": "451 4.2.1 mailbox busy, try again later",
        "milliseconds": 12.5,
    }
    for begin in range(0, count, 10_000):
        rows = [row | {"message_id": f"m-{begin + number}"} for number in range(min(10_000, count - begin))]
        await database.run(lambda connection, rows=rows: connection.execute(insert(HistoryRow), rows))


async def fill_inbox(database: Database, count: int, finished_at: datetime | None) -> None:
    """So many messages, done then or still being done."""
    state = "done" if finished_at else "started"
    rows = [
        {
            "queue": "email.send",
            "identity": f"{state}-{finished_at}-{number}",
            "state": state,
            "holder": "h",
            "starts": 1,
            "finished_at": finished_at,
        }
        for number in range(count)
    ]
    await database.run(lambda connection: connection.execute(insert(InboxRow), rows))


async def add_run(database: Database, job_id: str, keys: list[str], expires_at: datetime) -> None:
    """A finished report with these documents."""
    run = RunRow(
        job_id=job_id,
        type="table",
        format="pdf",
        initiated_by="test",
        fingerprint="f",
        moment=OLD,
        state="done",
        object_key=keys[0],
        started_at=OLD,
        expires_at=expires_at,
    )
    documents = [
        DocumentRow(job_id=job_id, part=str(number), object_key=key, rows=1, pages=1, bytes=1, sha256="s")
        for number, key in enumerate(keys)
    ]
    async with database.session() as session:
        session.add_all([run, *documents])


async def count(database: Database, table: str) -> int:
    """How many rows a table has."""
    found: Any = await database.run(lambda connection: connection.scalar(text(f"SELECT count(*) FROM {table}")))  # noqa: S608
    return int(found)
