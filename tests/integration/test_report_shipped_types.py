"""The shipped types that read the history of events: their SQL, on both databases."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from postroom.storage.database import Database
from postroom_audit.models import EventRow, MeasurementRow
from postroom_report.parameters import make_layout
from postroom_report.sources import open_rows
from postroom_report.tabulation import Record, Totals, tabulate
from tests.support.databases import service_database
from tests.support.report_layouts import make_order

SUMMER_BEGINS = datetime(2026, 3, 29, tzinfo=UTC)
"""In Berlin that day has 23 hours, and begins at 23:00 UTC of the day before."""


@pytest.fixture
async def audit(database_url: str) -> AsyncIterator[Database]:
    database = service_database(database_url, "audit")
    await database.migrate()
    yield database
    await database.close()


def cells(audit: Database, tmp_path: Path, **job: Any) -> tuple[list[Any], Any]:
    """The values of all rows, and the totals."""
    url = audit.engine.url.render_as_string(hide_password=False)
    schema = None if audit.is_sqlite else "audit"
    order = make_order(tmp_path, job, database_url=url, database_schema=schema)
    layout = make_layout(order)
    with open_rows(layout, order) as rows:
        items = list(tabulate(layout, rows).items())
    totals = [item.values for item in items if isinstance(item, Totals)]
    return [item.values for item in items if isinstance(item, Record)], totals[0]


def event(kind: str, at: datetime) -> EventRow:
    return EventRow(kind=kind, at=at, message_id=f"{kind}-{at.isoformat()}", body="{}", recorded_at=at)


async def test_the_daily_report_counts_each_event_in_its_hour_of_the_day_of_the_zone(audit: Database, tmp_path: Path):
    begin = SUMMER_BEGINS - timedelta(hours=1)
    moments = [begin - timedelta(seconds=1), begin, begin + timedelta(minutes=59, seconds=59, microseconds=999_999)]
    moments += [begin + timedelta(hours=1), begin + timedelta(hours=22, minutes=59), begin + timedelta(hours=23)]
    async with audit.session() as session:
        session.add_all(event("user.created", at) for at in moments)
        session.add_all([event("job.failed", begin), event("job.measured", begin), event("order.placed", begin)])
    parameters = {"day": "2026-03-29", "time_zone": "Europe/Berlin"}
    rows, totals = cells(audit, tmp_path, type="daily-user-report", parameters=parameters)
    assert [(row[0].hour, row[1], row[4], row[5]) for row in rows if row[5]] == [
        (0, 2, 1, 4),
        (1, 1, 0, 1),
        (23, 1, 0, 1),
    ]
    assert [row[0].hour for row in rows] == [0, 1, *range(3, 24)]
    assert totals == (None, 4, 0, 0, 1, 6)


@pytest.mark.parametrize(
    ("day", "zone", "begin", "half_hours"),
    [
        ("2026-10-25", "Europe/Berlin", datetime(2026, 10, 24, 22, tzinfo=UTC), 50),
        ("2026-10-04", "Australia/Lord_Howe", datetime(2026, 10, 3, 13, 30, tzinfo=UTC), 47),
    ],
)
async def test_days_on_which_clocks_are_set_have_all_their_events_and_no_others(
    audit: Database, tmp_path: Path, day: str, zone: str, begin: datetime, half_hours: int
):
    moments = [begin + timedelta(minutes=15 + 30 * half) for half in range(-2, half_hours + 2)]
    async with audit.session() as session:
        session.add_all(event("user.created", at) for at in moments)
    parameters = {"day": day, "time_zone": zone}
    rows, totals = cells(audit, tmp_path, type="daily-user-report", parameters=parameters)
    assert len({row[0] for row in rows}) == len(rows) == (half_hours + 1) // 2
    assert totals[1] == half_hours


async def test_a_day_without_events_has_all_its_hours(audit: Database, tmp_path: Path):
    rows, totals = cells(audit, tmp_path, type="daily-user-report")
    assert len(rows) == 24
    assert totals[1:] == (0, 0, 0, 0, 0)


async def test_job_health_has_outcomes_and_percentiles_of_the_work_done(audit: Database, tmp_path: Path):
    day = datetime(2026, 3, 28, 12, tzinfo=UTC)

    def measured(outcome: str, milliseconds: float, count: int, at: datetime = day, queue: str = "email.send") -> Any:
        return MeasurementRow(
            at=at, seconds=60, service="email", queue=queue, outcome=outcome, milliseconds=milliseconds, count=count,
            message_id=f"{at.isoformat()}-{queue}",
        )  # fmt: skip

    async with audit.session() as session:
        session.add_all([measured("done", 10, 60), measured("done", 100, 35), measured("done", 1000, 5)])
        session.add_all([measured("retried", 5000, 7), measured("dead", 9000, 2)])
        session.add(measured("done", 100, 10, at=day + timedelta(minutes=1)))
        session.add(measured("done", 9999, 1000, at=day + timedelta(days=1)))
        session.add(measured("dead", 1, 1, queue="sms.send"))
    rows, totals = cells(audit, tmp_path, type="job-health")
    assert rows == [
        ("email.send", 110, 7, 2, Decimal(10), Decimal(100), Decimal(1000)),
        ("sms.send", 0, 0, 1, None, None, None),
    ]
    assert totals[1:4] == (110, 7, 3)
