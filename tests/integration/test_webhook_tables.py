"""The webhook service's tables, on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from postroom.storage.database import Database
from postroom_webhook.attempts import Attempt
from postroom_webhook.attempts.sql import SqlAttemptLog
from postroom_webhook.sync.state import PublishedItem, SyncState
from tests.support.databases import service_database

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = service_database(database_url, "webhook")
    await database.migrate()
    yield database
    await database.close()


async def test_the_last_attempts_of_each_message_are_kept(database: Database) -> None:
    log = SqlAttemptLog(database, keep=2)
    for name, count in (("a", 4), ("b", 1)):
        for n in range(1, count + 1):
            await log.record(Attempt(name, n, 0, AT, "h:80", "/x", 503, "E: ü", "no", n))

    assert [each.attempt for each in await log.of("a")] == [3, 4]
    assert [(each.at, each.error) for each in await log.of("b")] == [(AT, "E: ü")]


async def test_a_source_is_held_by_one_and_goes_on_at_its_cursor(database: Database) -> None:
    state = SyncState(database)
    first = await state.begin("s", "d", "one")
    assert first is not None
    assert await state.begin("s", "d", "two") is None
    await state.turn_page("s", "one", "https://x/2")
    await state.release("s", "one")

    again = await state.begin("s", "d", "two")
    assert again is not None
    assert (again.run, again.pages, again.cursor) == (first.run, 1, "https://x/2")
    await state.finish("s", "two", "etag", None)
    done = await state.begin("s", "d", "two")
    assert done is not None
    assert (done.run, done.cursor, done.etag) == (first.run + 1, None, "etag")
    other = await state.begin("s", "described anew", "two")
    assert other is not None
    assert other.etag is None


async def test_items_not_seen_in_a_run_are_gone_and_their_version_stays(database: Database) -> None:
    state = SyncState(database)
    await state.save("s", 1, [PublishedItem("a", "h", 1), PublishedItem("b", "h", 1)])
    await state.save("s", 2, [PublishedItem("a", "i", 2)])

    assert await state.gone("s", 2) == [PublishedItem("b", "h", 1)]
    await state.save("s", 2, [PublishedItem("b", None, 2)])
    assert await state.gone("s", 2) == []
    assert (await state.known("s", ["a", "b", "c"])) == {
        "a": PublishedItem("a", "i", 2),
        "b": PublishedItem("b", None, 2),
    }
