"""What several suites of a port need."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from postroom.storage.database import Database
from tests.support.alerting_harness import AlertingHarness
from tests.support.databases import service_database
from tests.support.transports import OpenPlace, rabbitmq_place, sqlite_place


@pytest.fixture
def alerting_database(database_url: str) -> Database:
    return service_database(database_url, "alerting")


@pytest.fixture
async def harness(alerting_database: Database) -> AsyncIterator[AlertingHarness]:
    await alerting_database.migrate()
    yield AlertingHarness(alerting_database)
    await alerting_database.close()


@pytest.fixture(params=["rabbitmq", "file"])
def open_place(request: pytest.FixtureRequest, tmp_path: Path) -> OpenPlace:
    """Each transport's far side in turn."""
    if request.param == "rabbitmq":
        return partial(rabbitmq_place, request.getfixturevalue("vhost"), tmp_path)
    return partial(sqlite_place, tmp_path)
