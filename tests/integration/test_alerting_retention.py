"""What of alerting's tables is old goes; what is open stays, however old."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from postroom.storage.database import Database
from postroom_alerting import models
from postroom_alerting.intake.failures import FailureSettlement
from postroom_alerting.models import RETENTION, table_of
from postroom_maintenance.batches import Batches
from tests.support.alerting import NOON
from tests.support.alerting_harness import AlertingHarness
from tests.support.databases import service_database


@pytest.fixture
def database(database_url: str) -> Database:
    return service_database(database_url, "alerting")


@pytest.fixture
async def harness(database: Database) -> AsyncIterator[AlertingHarness]:
    await database.migrate()
    yield AlertingHarness(database)
    await database.close()


async def test_a_resolved_group_is_deleted_with_its_notification_states_and_an_open_one_stays(
    harness: AlertingHarness,
) -> None:
    await harness.die(message_id="m-1", error_type="Old")
    await harness.die(message_id="m-2", error_type="Open")
    await harness.failures.settle(FailureSettlement("email.send", "m-1", replays=1))

    for each in RETENTION:
        await Batches(harness.database).delete_old(each, NOON + timedelta(days=100))

    assert [(incident.what, incident.is_open) for incident in await harness.incidents.all(harness.now)] == [
        ("Open", True)
    ]
    left = {row: await _count(harness.database, row) for row in (models.FailureGroupRow, models.NotificationStateRow)}
    assert left == {models.FailureGroupRow: 1, models.NotificationStateRow: 1}
    for row in (models.FailureRow, models.SettlementRow, models.TrendRow):
        assert await _count(harness.database, row) == 0


async def _count(database: Database, model: Any) -> int:
    statement = select(func.count()).select_from(table_of(model))
    return await database.run(lambda connection: int(connection.execute(statement).scalar_one()))
