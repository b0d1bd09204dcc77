"""What several suites of a port need."""

from collections.abc import AsyncIterator

import pytest

from shared.database import Database
from tests.support.alert_desk import Desk


@pytest.fixture
def alerting_database(database_url: str) -> Database:
    return Database(database_url, "alerting")


@pytest.fixture
async def desk(alerting_database: Database) -> AsyncIterator[Desk]:
    await alerting_database.migrate()
    yield Desk(alerting_database)
    await alerting_database.close()
