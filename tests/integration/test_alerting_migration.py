"""Tables of an earlier migration, with rows in them, are brought to the present ones."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, DateTime, bindparam, delete, func, select, text

from postroom.storage.database import Database
from postroom_alerting.classification import IncidentType
from postroom_alerting.models import ChannelRow, ConditionRow, IncidentRow, NotificationStateRow, table_of
from postroom_alerting.monitor.heartbeats import Heartbeat, HeartbeatLog
from postroom_alerting.notify.notifications import Reason
from tests.support.alerting import NOON, make_failure
from tests.support.alerting_harness import INTERVAL, AlertingHarness
from tests.support.databases import service_database

FAILURE = make_failure()
KEY = FAILURE.cause.key
TIMES = {
    "at": NOON,
    "later": NOON + timedelta(hours=1),
    "interval_later": NOON + INTERVAL,
}
_TIME = DateTime(timezone=True)
_FAILURES = """
INSERT INTO failures (queue, message_id, kind, cause, error_type, error, payload, first_at, last_at, last_death, count,
    attempts, replays)
VALUES ('email.send', 'm-1', 'email.send', :cause, 'RecipientRefused', 'refused', '{}', :at, :at, 'x', 1, 1, 0)
"""
_GROUPS = """
INSERT INTO failure_groups (cause, queue, error_type, folded_error, error, first_at, last_at, count, notified_at)
VALUES (:cause, 'email.send', 'RecipientRefused', 'refused', 'refused', :at, :at, 1, :at)
"""
FIRST = (
    _FAILURES,
    _GROUPS,
    "INSERT INTO failure_notices (cause, channel, told_count, told_at, tries) VALUES (:cause, 'slack', 1, :at, 0)",
)
THIRD = (
    _FAILURES,
    _GROUPS,
    """
    INSERT INTO concerns (cause, about, name, what, state, episode, opened_at, last_at, closed_by, total, unsettled,
        muted_until, muted_by, mute_reason)
    VALUES
        (:cause, 'failures', 'email.send', 'RecipientRefused', 'open', 1, :at, :at, '', 2, 1, :later, 'ada', 'known'),
        ('c-1', 'condition', 'email.send', 'queue-old', 'open', 3, :at, :at, '', 3, 1, NULL, '', '')
    """,
    """
    INSERT INTO conditions (cause, source, key, severity, text, advice, since)
    VALUES ('c-1', 'queue-old email.send', 'queue-old email.send', 'warning', 'old', 'start more', :at)
    """,
    """
    INSERT INTO concern_notices (cause, channel, role, told_episode, told_state, told_count, told_at, next_at,
        quiet_until, tries, held_by, held_until)
    VALUES (:cause, 'slack', 'first', 1, 'open', 1, :at, :interval_later, :at, 0, NULL, NULL),
        ('c-1', 'slack', 'first', 2, 'open', 2, :at, :interval_later, :at, 4, 'token', :later)
    """,
    "INSERT INTO channels (channel, digest_at, tries) VALUES ('slack', :at, 0)",
    "INSERT INTO channels (channel, digest_at, tries, held_by, held_until) VALUES ('mail', :at, 1, 'token', :later)",
    "INSERT INTO lone_messages (token, channel, at) VALUES ('token', 'slack', :at)",
    """
    INSERT INTO heard (topic, service, instance, is_open, since, reason, late_seconds, due, heard_at)
    VALUES ('circuit', 'email', 'a', true, :at, 'refused', 0, 0, :later)
    """,
)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = service_database(database_url, "alerting")
    yield database
    await database.close()


async def migrated(database: Database, revisions: tuple[str, ...], rows: tuple[str, ...]) -> AlertingHarness:
    """Make the tables of these revisions, fill them, and bring them to the present ones."""
    upgrade = command.upgrade
    with pytest.MonkeyPatch.context() as patch:

        def to_revisions(config: Any, _revision: str) -> None:
            for revision in revisions:
                upgrade(config, revision)

        patch.setattr(command, "upgrade", to_revisions)
        await database.migrate()

    def fill(connection: Connection) -> None:
        for statement in rows:
            connection.execute(with_values(statement))

    await database.run(fill)
    await database.migrate()
    return AlertingHarness(database)


def with_values(statement: str) -> Any:
    """Times are bound as times: SQLite compares them as text."""
    times = [bindparam(name, at, _TIME) for name, at in TIMES.items() if f":{name}" in statement]
    return text(statement).bindparams(*times, *([bindparam("cause", KEY)] if ":cause" in statement else []))


async def count(database: Database, model: Any) -> int:
    statement = select(func.count()).select_from(table_of(model))
    return await database.run(lambda connection: int(connection.execute(statement).scalar_one()))


async def test_what_was_sent_by_the_first_version_is_not_sent_again(database: Database) -> None:
    harness = await migrated(database, ("alerting_0001",), FIRST)
    assert await harness.sent() == []

    await harness.die()

    assert await harness.sent() == []
    harness.now += INTERVAL
    assert await harness.sent() == [(Reason.MORE, 1)]
    [incident] = await harness.incidents.all(harness.now)
    assert (incident.total, incident.unsettled, incident.text) == (2, 2, FAILURE.error)
    harness.now += INTERVAL + timedelta(seconds=1)
    assert await harness.sent() == []


async def test_all_rows_are_there_after_tables_and_columns_were_renamed(database: Database) -> None:
    harness = await migrated(database, ("alerting_0003", "alerting_watching_0001"), THIRD)

    found = {incident.key: incident for incident in await harness.incidents.all(NOON)}
    group, condition = found[KEY], found["c-1"]
    assert (group.about, group.what, group.total, group.unsettled) == (IncidentType.FAILURES, "RecipientRefused", 2, 1)
    assert (condition.about, condition.episode, condition.text) == (IncidentType.CONDITION, 3, "old")
    silence = {"until": TIMES["later"], "by": "ada", "reason": "known"}
    assert await harness.incidents.silences(NOON) == {group.key: silence}
    [state] = await harness.incidents.notification_states("c-1")
    assert (state["told_state"], state["told_count"], state["told_at"], state["tries"]) == ("open", 2, NOON, 4)
    assert await HeartbeatLog(database).all(NOON) == [
        Heartbeat("circuit", "email", "a", True, NOON, "refused", 0, 0, NOON + timedelta(hours=1))
    ]
    assert await count(database, ChannelRow) == 2


async def test_a_silence_and_a_claim_last_after_their_tables_were_renamed(database: Database) -> None:
    harness = await migrated(database, ("alerting_0003", "alerting_watching_0001"), THIRD)

    harness.now = NOON + timedelta(minutes=59)
    assert await harness.sent() == []  # one incident is silenced, the other claimed
    harness.now = NOON + timedelta(hours=1)

    assert sorted(await harness.sent()) == [(Reason.CAME_BACK, 1), (Reason.MORE, 1)]


async def test_what_belongs_to_an_incident_is_still_deleted_with_it(database: Database) -> None:
    await migrated(database, ("alerting_0003", "alerting_watching_0001"), THIRD)
    assert (await count(database, NotificationStateRow), await count(database, ConditionRow)) == (2, 1)

    await database.run(lambda connection: connection.execute(delete(table_of(IncidentRow))))

    assert (await count(database, NotificationStateRow), await count(database, ConditionRow)) == (0, 0)
