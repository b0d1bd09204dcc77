"""Many rows from PostgreSQL through the real service: its memory does not grow with them."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from postroom import wire
from postroom.testing import eventually
from postroom_report.handlers import worker
from tests.support.crash import Place, ServiceProcess, processes
from tests.support.memory import Peak
from tests.support.patience import WORK, seconds
from tests.support.report_service import write_type

GIVEN = os.environ.get("REPORT_TEST_ROWS")  # a million is too long for each run
FEW = 10_000
GROWTH_BYTES = 768
"""A row at most; one that is kept takes twice that, and a look at the memory may come a moment before its peak."""
AS_MANY = WORK + timedelta(seconds=int(GIVEN or 0) / 200)
MEBIBYTE = 1024 * 1024
COLUMNS = ("id", "name", "email", "country", "born", "signed_up", "orders", "revenue", "rate", "note")
TABLE = """
CREATE TABLE customers AS SELECT n AS id, 'Name of ' || n AS name, 'someone' || n || '@example.com' AS email,
'AT' AS country, DATE '1990-01-01' + n % 9000 AS born, now() - n * interval '1 minute' AS signed_up, n % 50 AS orders,
(n * 1.37)::numeric(12, 2) AS revenue, (n % 100) / 100.0 AS rate, repeat('x', n % 40) AS note
FROM generate_series(1, {rows}) AS n
"""


@pytest.mark.timeout(seconds(timedelta(minutes=15) + AS_MANY))
@pytest.mark.parametrize(("file_format", "count"), [("csv", 80_000), ("xlsx", 50_000)])
async def test_a_large_table_needs_no_more_memory_than_a_small_one(
    place: Place, environment: dict[str, str], tmp_path: Path, postgres_url: str, file_format: str, count: int
) -> None:
    count = int(GIVEN or count)
    engine = create_engine(make_url(postgres_url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text(TABLE.format(rows=count)))
    engine.dispose()
    formats = {"born": "date", "signed_up": "datetime", "revenue": "money", "rate": "percent", "id": "integer"}
    columns = [{"name": name, "format": formats.get(name, "text")} for name in COLUMNS]
    rows = {"database": "shop", "query": "SELECT * FROM customers ORDER BY id"}
    write_type(tmp_path / "types", "customers", title="Customers", columns=columns, rows=rows)
    few = rows | {"query": f"SELECT * FROM customers WHERE id <= {FEW} ORDER BY id"}  # noqa: S608 - of our own
    write_type(tmp_path / "types", "some-customers", title="Customers", columns=columns, rows=few)
    place.prepare(worker)
    types = {"REPORT_TYPES_DIR": str(tmp_path / "types"), "REPORT_DATABASES": f"shop={postgres_url}"}

    with processes("postroom_report", {**environment, **place.environment, **types}, tmp_path, 1) as [service]:
        await service.ready()
        peaks = []
        for number, kind in enumerate(("some-customers", "customers"), start=1):
            peak = Peak(service.pid)
            with peak.watched():
                body = {"type": kind, "initiatedBy": "test", "format": file_format}
                await place.publish(wire.JOBS, "report.generate", json.dumps(body).encode(), kind)
                await eventually(lambda number=number: _has_done(service, number), within=AS_MANY)
            peaks.append(peak.mib)

    [document] = (tmp_path / "data" / "reports" / "customers").rglob(f"*.{file_format}")
    assert document.stat().st_size > count * 30
    small, large = peaks
    assert (large - small) * MEBIBYTE < (count - FEW) * GROWTH_BYTES, f"{small:.0f}, then {large:.0f} MiB"


async def _has_done(service: ServiceProcess, count: int) -> bool:
    return await service.metric('postroom_messages_total{outcome="done",queue="report.generate"}') >= count
