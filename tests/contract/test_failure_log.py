"""One suite for every FailureLog: the fake, SQLite, PostgreSQL."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.alerting.failures import FailureLog
from services.alerting.sql_failures import SqlFailureLog
from shared.database import Database
from tests.support.alerting import NOON, InMemoryFailureLog, make_failure

INTERVAL = timedelta(minutes=15)
LEASE = timedelta(seconds=90)
SOON = NOON + timedelta(seconds=1)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database | None:
    if request.param == "memory":
        return None
    on_file = f"sqlite+aiosqlite:///{tmp_path}/alerting.sqlite3"
    return Database(on_file if request.param == "sqlite" else request.getfixturevalue("postgres_url"), "alerting")


@pytest.fixture
async def log(database: Database | None) -> AsyncIterator[FailureLog]:
    if database is None:
        yield InMemoryFailureLog()
        return
    await database.migrate()
    yield SqlFailureLog(database)
    await database.close()


async def test_the_first_death_of_a_cause_is_due_at_once(log: FailureLog) -> None:
    failure = make_failure(message_id="m-1")

    assert await log.record(failure, ["slack"])

    alert = await log.claim("slack", SOON, interval=INTERVAL, lease=LEASE)
    assert alert is not None
    assert (alert.cause, alert.new, alert.total, alert.message_ids) == (failure.cause, 1, 1, ("m-1",))
    assert (alert.error, alert.first_at, alert.since) == (failure.error, NOON, NOON)


async def test_the_same_death_is_counted_once(log: FailureLog) -> None:
    failure = make_failure()
    await log.record(failure, ["slack"])

    assert not await log.record(failure, ["slack"])

    alert = await log.claim("slack", SOON, interval=INTERVAL, lease=LEASE)
    assert alert is not None
    assert alert.total == 1


async def test_a_replayed_message_that_dies_again_is_another_death_of_one_message(log: FailureLog) -> None:
    failure = make_failure()
    await log.record(failure, ["slack"])
    again = replace(failure, death="later", failed_at=NOON + timedelta(hours=1), replays=1)

    assert await log.record(again, ["slack"])

    alert = await log.claim("slack", SOON, interval=INTERVAL, lease=LEASE)
    assert alert is not None
    assert (alert.total, alert.message_ids) == (2, (failure.message_id,))
    assert alert.last_at == again.failed_at


async def test_of_two_who_claim_at_once_one_gets_the_alert(log: FailureLog) -> None:
    await log.record(make_failure(), ["slack"])

    claims = await asyncio.gather(*(log.claim("slack", SOON, interval=INTERVAL, lease=LEASE) for _ in range(5)))

    assert sum(claim is not None for claim in claims) == 1


async def test_deaths_recorded_at_once_are_all_counted(log: FailureLog) -> None:
    results = await asyncio.gather(*(log.record(make_failure(), ["slack"]) for _ in range(20)))

    alert = await log.claim("slack", SOON, interval=INTERVAL, lease=LEASE)
    assert all(results)
    assert alert is not None
    assert (alert.new, alert.total, len(alert.message_ids)) == (20, 20, 3)


async def test_after_it_was_told_a_cause_is_due_again_when_the_interval_is_over(log: FailureLog) -> None:
    await log.record(make_failure(), ["slack"])
    first = await log.claim("slack", SOON, interval=INTERVAL, lease=LEASE)
    assert first is not None
    await log.told(first, SOON)
    for _ in range(4):
        await log.record(make_failure(), ["slack"])

    early = await log.claim("slack", SOON + INTERVAL - timedelta(seconds=1), interval=INTERVAL, lease=LEASE)
    late = await log.claim("slack", SOON + INTERVAL, interval=INTERVAL, lease=LEASE)

    assert early is None
    assert late is not None
    assert (late.new, late.total, late.since) == (4, 5, SOON)


async def test_a_cause_without_new_deaths_is_not_told_again(log: FailureLog) -> None:
    await log.record(make_failure(), ["slack"])
    alert = await log.claim("slack", SOON, interval=INTERVAL, lease=LEASE)
    assert alert is not None
    await log.told(alert, SOON)

    assert await log.claim("slack", SOON + 10 * INTERVAL, interval=INTERVAL, lease=LEASE) is None


async def test_deaths_recorded_while_it_was_being_told_are_not_lost(log: FailureLog) -> None:
    await log.record(make_failure(), ["slack"])
    alert = await log.claim("slack", SOON, interval=INTERVAL, lease=LEASE)
    assert alert is not None
    await log.record(make_failure(), ["slack"])

    await log.told(alert, SOON)

    later = await log.claim("slack", SOON + INTERVAL, interval=INTERVAL, lease=LEASE)
    assert later is not None
    assert later.new == 1


async def test_an_alert_that_was_put_off_comes_back_with_its_tries(log: FailureLog) -> None:
    await log.record(make_failure(), ["slack"])
    alert = await log.claim("slack", SOON, interval=INTERVAL, lease=LEASE)
    assert alert is not None
    until = SOON + timedelta(seconds=30)

    await log.put_off(alert, until)

    assert await log.claim("slack", until - timedelta(seconds=1), interval=INTERVAL, lease=LEASE) is None
    again = await log.claim("slack", until, interval=INTERVAL, lease=LEASE)
    assert again is not None
    assert (again.tries, again.new) == (1, 1)


async def test_a_claim_whose_holder_died_runs_out(log: FailureLog) -> None:
    await log.record(make_failure(), ["slack"])
    dead = await log.claim("slack", SOON, interval=INTERVAL, lease=LEASE)
    assert dead is not None

    assert await log.claim("slack", SOON + LEASE / 2, interval=INTERVAL, lease=LEASE) is None
    taken_over = await log.claim("slack", SOON + LEASE, interval=INTERVAL, lease=LEASE)

    assert taken_over is not None
    await log.put_off(dead, SOON + timedelta(days=1))  # who lost the claim changes nothing any more
    assert await log.claim("slack", SOON + 2 * LEASE, interval=INTERVAL, lease=LEASE) is not None


async def test_channels_are_told_independently(log: FailureLog) -> None:
    await log.record(make_failure(), ["slack", "mail"])
    slack = await log.claim("slack", SOON, interval=INTERVAL, lease=LEASE)
    assert slack is not None
    await log.told(slack, SOON)

    assert await log.claim("mail", SOON, interval=INTERVAL, lease=LEASE) is not None
    assert await log.claim("slack", SOON, interval=INTERVAL, lease=LEASE) is None


async def test_a_new_channel_is_not_told_of_what_died_before_it_existed(log: FailureLog) -> None:
    await log.record(make_failure(), ["slack"])
    await log.record(make_failure(), ["slack", "mail"])

    alert = await log.claim("mail", SOON, interval=INTERVAL, lease=LEASE)

    assert alert is not None
    assert (alert.new, alert.total) == (1, 2)


async def test_causes_are_told_one_by_one(log: FailureLog) -> None:
    await log.record(make_failure(error_type="RecipientRefused"), ["slack"])
    await log.record(make_failure(error_type="InvalidMessage"), ["slack"])

    claims = [await log.claim("slack", SOON, interval=INTERVAL, lease=LEASE) for _ in range(3)]

    assert {claim.cause.error_type for claim in claims if claim} == {"RecipientRefused", "InvalidMessage"}
    assert claims[2] is None


async def test_the_longest_texts_fit(log: FailureLog) -> None:
    failure = make_failure(
        queue="q" * 255, message_id="m" * 255, error_type="E" * 255, error="é" * 1024, kind="k" * 255,
        payload="•" * 4200, death=f"delivery_limit {uuid.uuid4()}", attempts=2**31 - 1,
    )  # fmt: skip

    assert await log.record(failure, ["c" * 64])
