"""What several suites of a port need."""

from collections.abc import AsyncIterator

import pytest

from postroom.storage.database import Database
from tests.support.alerting_harness import AlertingHarness
from tests.support.databases import service_database


@pytest.fixture
def alerting_database(database_url: str) -> Database:
    return service_database(database_url, "alerting")


@pytest.fixture
async def harness(alerting_database: Database) -> AsyncIterator[AlertingHarness]:
    await alerting_database.migrate()
    yield AlertingHarness(alerting_database)
    await alerting_database.close()
