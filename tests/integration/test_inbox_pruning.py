"""The inbox forgets old finished work, all of it, on a real database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from postroom.runtime.inbox import ClaimState, Finish, Inbox, Key
from postroom.runtime.inbox.inbox import RETENTION
from postroom.storage.database import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'inbox.sqlite3'}", "test")
    await database.migrate()
    yield database
    await database.close()


async def finish(inbox: Inbox, key: Key) -> None:
    await inbox.claim(key)
    await inbox.finish(Finish(key, is_done=True))


async def rows(database: Database) -> int:
    return await database.run(lambda connection: connection.execute(text("SELECT count(*) FROM inbox")).scalar_one())


async def test_everything_that_is_old_is_forgotten_in_one_go(database: Database) -> None:
    inbox = Inbox(database)
    await asyncio.gather(*(finish(inbox, Key("email.send", f"job-{number}")) for number in range(2500)))

    await inbox.prune(datetime.now(UTC) + RETENTION + timedelta(minutes=1))

    assert await rows(database) == 0


async def test_what_is_younger_or_not_finished_stays(database: Database) -> None:
    inbox = Inbox(database)
    await finish(inbox, Key("email.send", "done"))
    await inbox.claim(Key("email.send", "in work"))

    await inbox.prune(datetime.now(UTC) + RETENTION - timedelta(minutes=1))
    await inbox.prune()

    assert await rows(database) == 2
    assert (await inbox.claim(Key("email.send", "done"))).state is ClaimState.DONE
