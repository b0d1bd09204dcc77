"""One suite for every ConditionLog: the fake, SQLite, PostgreSQL."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from postroom.storage.database import Database
from postroom_alerting.incidents.conditions import ConditionLog
from postroom_alerting.incidents.sql_conditions import SqlConditionLog
from postroom_alerting.rules.routes import Rules
from postroom_alerting.sql_incidents import SqlIncidents
from tests.support.alerting import NOON, InMemoryConditionLog, make_condition
from tests.support.databases import service_database

LATER = NOON + timedelta(minutes=5)


@dataclass
class ConditionLogHarness:
    """A log, and the texts of what lasts."""

    log: ConditionLog
    lasting: Callable[[], Awaitable[list[str]]]


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database | None:
    if request.param == "memory":
        return None
    on_file = f"sqlite+aiosqlite:///{tmp_path}/alerting.sqlite3"
    return service_database(
        on_file if request.param == "sqlite" else request.getfixturevalue("postgres_url"), "alerting"
    )


@pytest.fixture
async def harness(database: Database | None) -> AsyncIterator[ConditionLogHarness]:
    if database is None:
        fake = InMemoryConditionLog()

        async def in_fake() -> list[str]:
            return sorted(each.text for conditions in fake.lasting.values() for each in conditions)

        yield ConditionLogHarness(fake, in_fake)
        return
    await database.migrate()
    incidents = SqlIncidents(database, Rules(("slack",)))

    async def in_database() -> list[str]:
        return sorted(each.text for each in await incidents.all(LATER, with_resolved=False))

    yield ConditionLogHarness(SqlConditionLog(database, Rules(("slack",))), in_database)
    await database.close()


async def test_what_a_source_sees_lasts_until_it_sees_it_no_more(harness: ConditionLogHarness) -> None:
    await harness.log.observe("broker", [make_condition(key="a", text="a"), make_condition(key="b", text="b")], NOON)
    assert await harness.lasting() == ["a", "b"]

    await harness.log.observe("broker", [make_condition(key="b", text="b")], LATER)

    assert await harness.lasting() == ["b"]


async def test_what_lasts_is_brought_up_to_date(harness: ConditionLogHarness) -> None:
    condition = make_condition()
    await harness.log.observe("broker", [condition], NOON)

    await harness.log.observe("broker", [replace(condition, text="41 messages wait")], LATER)

    assert await harness.lasting() == ["41 messages wait"]


async def test_sources_clear_only_what_is_theirs(harness: ConditionLogHarness) -> None:
    await harness.log.observe("broker", [make_condition(text="of the broker")], NOON)
    await harness.log.observe("circuits", [make_condition(key="x", text="a circuit")], NOON)

    await harness.log.observe("circuits", [], LATER)

    assert await harness.lasting() == ["of the broker"]


async def test_the_sources_that_see_something_wrong_are_known(harness: ConditionLogHarness) -> None:
    await harness.log.observe("broker", [make_condition(key="a"), make_condition(key="b")], NOON)
    await harness.log.observe("circuits", [make_condition(key="x")], NOON)
    assert set(await harness.log.sources()) == {"broker", "circuits"}

    await harness.log.observe("broker", [], LATER)

    assert list(await harness.log.sources()) == ["circuits"]


async def test_what_has_cleared_may_begin_again(harness: ConditionLogHarness) -> None:
    for conditions, minutes in (([make_condition()], 0), ([], 1), ([make_condition()], 2)):
        await harness.log.observe("broker", conditions, NOON + timedelta(minutes=minutes))

    assert await harness.lasting() == [make_condition().text]


async def test_the_longest_names_are_kept(harness: ConditionLogHarness) -> None:
    await harness.log.observe("broker", [make_condition(key="k" * 900, subject="s" * 300, kind="c" * 300)], NOON)

    assert len(await harness.lasting()) == 1
