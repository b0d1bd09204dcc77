"""One suite for every FailureLog: the fake, SQLite, PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postroom.storage.database import Database
from postroom_alerting.intake.failures import FailureLog, FailureSettlement
from postroom_alerting.intake.sql_failures import SqlFailureLog
from postroom_alerting.rules.routes import Rules
from tests.support.alerting import NOON, InMemoryFailureLog, make_failure
from tests.support.databases import service_database

LATER = NOON + timedelta(hours=1)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database | None:
    if request.param == "memory":
        return None
    on_file = f"sqlite+aiosqlite:///{tmp_path}/alerting.sqlite3"
    return service_database(
        on_file if request.param == "sqlite" else request.getfixturevalue("postgres_url"), "alerting"
    )


@pytest.fixture
async def log(database: Database | None) -> AsyncIterator[FailureLog]:
    if database is None:
        yield InMemoryFailureLog()
        return
    await database.migrate()
    yield SqlFailureLog(database, Rules(("slack",)))
    await database.close()


async def test_a_death_is_stored_once(log: FailureLog) -> None:
    failure = make_failure()

    assert await log.record(failure)
    assert not await log.record(failure)


async def test_copies_recorded_at_once_are_one(log: FailureLog) -> None:
    failure = make_failure()

    assert sum(await asyncio.gather(*(log.record(failure) for _ in range(5)))) == 1


async def test_a_replayed_message_that_dies_again_is_another_death(log: FailureLog) -> None:
    failure = make_failure()

    assert await log.record(failure)
    assert await log.record(replace(failure, death="later", failed_at=LATER, replays=1))


async def test_the_last_message_that_is_done_resolves_its_group(log: FailureLog) -> None:
    await log.record(make_failure(message_id="m-1"))
    await log.record(make_failure(message_id="m-2"))

    assert not await log.settle(FailureSettlement("email.send", "m-1", replays=1))
    assert await log.settle(FailureSettlement("email.send", "m-2", replays=1))


async def test_discarding_the_last_message_resolves_its_group(log: FailureLog) -> None:
    await log.record(make_failure(message_id="m-1"))

    assert await log.settle(FailureSettlement("email.send", "m-1", discarded_at=LATER))


async def test_a_message_that_died_again_after_its_replay_is_not_done_by_the_replay_before(log: FailureLog) -> None:
    failure = make_failure(message_id="m-1")
    await log.record(failure)
    await log.record(replace(failure, death="later", failed_at=LATER, replays=1))

    assert not await log.settle(FailureSettlement("email.send", "m-1", replays=1))
    assert await log.settle(FailureSettlement("email.send", "m-1", replays=2))


async def test_a_message_that_was_done_before_its_death_was_recorded_leaves_nothing_open(log: FailureLog) -> None:
    await log.settle(FailureSettlement("email.send", "m-1", replays=1))
    await log.settle(FailureSettlement("email.send", "m-2", discarded_at=LATER))

    for message_id in ("m-1", "m-2", "m-3"):
        assert await log.record(make_failure(message_id=message_id))

    assert await log.settle(FailureSettlement("email.send", "m-3", replays=1))


async def test_a_death_after_the_message_was_discarded_is_open(log: FailureLog) -> None:
    await log.settle(FailureSettlement("email.send", "m-1", discarded_at=NOON - timedelta(hours=1)))
    await log.record(make_failure(message_id="m-1"))

    assert await log.settle(FailureSettlement("email.send", "m-1", discarded_at=LATER))


@pytest.mark.parametrize("end", [{"replays": 1}, {"discarded_at": LATER + timedelta(hours=1)}])
async def test_an_id_that_is_published_anew_after_its_end_and_dies_is_open(log: FailureLog, end: Any) -> None:
    failure = make_failure(message_id="m-1")
    await log.record(failure)
    assert await log.settle(FailureSettlement("email.send", "m-1", **end))

    assert await log.record(replace(failure, death="anew", failed_at=LATER))
    assert await log.settle(FailureSettlement("email.send", "m-1", **end))


async def test_a_death_that_is_recorded_after_the_end_of_its_replay_is_settled(log: FailureLog) -> None:
    failure = make_failure(message_id="m-1")
    await log.record(failure)
    await log.settle(FailureSettlement("email.send", "m-1", replays=2))

    assert await log.record(replace(failure, death="later", failed_at=LATER, replays=1))

    assert not await log.settle(FailureSettlement("email.send", "m-1", replays=2))


async def test_what_was_never_dead_resolves_nothing(log: FailureLog) -> None:
    await log.record(make_failure(message_id="m-1"))

    assert not await log.settle(FailureSettlement("email.send", "another", replays=1))
    assert not await log.settle(FailureSettlement("sms.send", "m-1", replays=1))


async def test_the_same_settlement_twice_resolves_once(log: FailureLog) -> None:
    await log.record(make_failure(message_id="m-1"))

    assert await log.settle(FailureSettlement("email.send", "m-1", replays=1))
    assert not await log.settle(FailureSettlement("email.send", "m-1", replays=1))


async def test_recording_and_settling_at_once_leaves_nothing_open(log: FailureLog) -> None:
    names = [f"m-{number}" for number in range(40)]

    results = await asyncio.gather(
        *(log.record(make_failure(message_id=name)) for name in names[:20]),
        *(log.settle(FailureSettlement("email.send", name, replays=1)) for name in names),
        *(log.record(make_failure(message_id=name)) for name in names[20:]),
    )
    await log.record(make_failure(message_id="last"))

    assert all(results[:20])
    assert await log.settle(FailureSettlement("email.send", "last", replays=1))
