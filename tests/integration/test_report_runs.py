"""What is written down of each report."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postroom.storage.object_storage import ObjectStorage
from postroom.wire.errors import ConfigurationError
from postroom_report.runs import Result, RunStart
from postroom_report.runs.sql import SqlRuns
from tests.support.databases import service_database

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BEGINNING = RunStart("r-1", "table", "pdf", "test", "fingerprint", NOW)
RESULT = Result(key="r-1.pdf", url="file:///r-1.pdf", rows=1, pages=1, documents=1, bytes=5, sha256="s")


@pytest.fixture
async def runs(tmp_path: Path) -> AsyncIterator[SqlRuns]:
    database = service_database(f"sqlite+aiosqlite:///{tmp_path}/report.sqlite3", "report")
    await database.migrate()
    yield SqlRuns(database)
    await database.close()


async def test_a_cancel_that_comes_too_late_leaves_the_report_done(runs: SqlRuns) -> None:
    await runs.begin(BEGINNING)
    await runs.finish("r-1", RESULT, NOW + timedelta(days=1))
    await runs.cancel("r-1")

    status = await runs.begin(BEGINNING)

    assert (status.is_cancelled, status.result) == (False, RESULT)


async def test_a_report_that_was_cancelled_is_not_begun_again(runs: SqlRuns) -> None:
    await runs.begin(BEGINNING)
    await runs.cancel("r-1")

    assert (await runs.begin(BEGINNING)).is_cancelled


def test_a_password_before_the_host_of_a_storage_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="REPORT_STORAGE_URL: no user or password before the host") as caught:
        ObjectStorage("s3://user:canary@bucket/prefix")

    assert "canary" not in str(caught.value)
