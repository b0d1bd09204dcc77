"""What several suites of a port need."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.database import Database
from tests.support.alert_desk import Desk


@pytest.fixture(params=["sqlite", "postgresql"])
def alerting_database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    on_file = f"sqlite+aiosqlite:///{tmp_path}/alerting.sqlite3"
    return Database(on_file if request.param == "sqlite" else request.getfixturevalue("postgres_url"), "alerting")


@pytest.fixture
async def desk(alerting_database: Database) -> AsyncIterator[Desk]:
    await alerting_database.migrate()
    yield Desk(alerting_database)
    await alerting_database.close()
