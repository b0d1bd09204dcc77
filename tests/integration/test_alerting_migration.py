"""Tables that the first version made and filled are brought to the present one."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, text

from postroom.storage.database import Database
from postroom_alerting.notify.notifications import Reason
from tests.support.alerting import NOON, make_failure
from tests.support.alerting_harness import INTERVAL, AlertingHarness
from tests.support.databases import service_database

FAILURE = make_failure()
_FAILURES = """
INSERT INTO failures (queue, message_id, kind, cause, error_type, error, payload, first_at, last_at, last_death, count,
    attempts, replays)
VALUES ('email.send', 'm-1', 'email.send', :cause, 'RecipientRefused', 'refused', '{}', :at, :at, 'x', 1, 1, 0)
"""
_GROUPS = """
INSERT INTO failure_groups (cause, queue, error_type, folded_error, error, first_at, last_at, count, notified_at)
VALUES (:cause, 'email.send', 'RecipientRefused', 'refused', 'refused', :at, :at, 1, :at)
"""
_NOTICES = """
INSERT INTO failure_notices (cause, channel, told_count, told_at, tries) VALUES (:cause, 'slack', 1, :at, 0)
"""


@pytest.fixture
def database(database_url: str) -> Database:
    return service_database(database_url, "alerting")


@pytest.fixture
async def harness(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AlertingHarness]:
    upgrade = command.upgrade
    with monkeypatch.context() as first:

        def to_the_first(config: Any, _revision: str) -> None:
            upgrade(config, "alerting_0001")

        first.setattr(command, "upgrade", to_the_first)
        await database.migrate()
    await database.run(_fill)
    await database.migrate()
    yield AlertingHarness(database)
    await database.close()


def _fill(connection: Connection) -> None:
    for statement in (_FAILURES, _GROUPS, _NOTICES):
        connection.execute(text(statement), {"cause": FAILURE.cause.key, "at": NOON})


async def test_what_was_told_is_not_told_again_and_what_comes_is_more_of_it(harness: AlertingHarness) -> None:
    assert await harness.sent() == []

    await harness.die()

    assert await harness.sent() == []
    harness.now += INTERVAL
    assert await harness.sent() == [(Reason.MORE, 1)]
    [incident] = await harness.incidents.all(harness.now)
    assert (incident.total, incident.unsettled, incident.text) == (2, 2, FAILURE.error)
    harness.now += INTERVAL + timedelta(seconds=1)
    assert await harness.sent() == []
