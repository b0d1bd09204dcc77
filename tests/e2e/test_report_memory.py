"""Many rows from PostgreSQL through the real service: its memory does not grow with them."""

import json
import os
import time
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, make_url, text

from services.report.handlers import worker
from shared import wire
from shared.testing import eventually
from tests.support.crash import Place, processes
from tests.support.memory import Peak
from tests.support.patience import WORK
from tests.support.report_service import write_type

ROWS = int(os.environ.get("REPORT_TEST_ROWS", "100000"))  # a million is too long for each run
MOST_MIB = 200
COLUMNS = ("id", "name", "email", "country", "born", "signed_up", "orders", "revenue", "rate", "note")
TABLE = """
CREATE TABLE customers AS SELECT n AS id, 'Name of ' || n AS name, 'someone' || n || '@example.com' AS email,
'AT' AS country, DATE '1990-01-01' + n % 9000 AS born, now() - n * interval '1 minute' AS signed_up, n % 50 AS orders,
(n * 1.37)::numeric(12, 2) AS revenue, (n % 100) / 100.0 AS rate, repeat('x', n % 40) AS note
FROM generate_series(1, {rows}) AS n
"""


@pytest.mark.alone
@pytest.mark.timeout(600)
@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
async def test_a_large_table_needs_little_memory(
    place: Place, environment: dict[str, str], tmp_path: Path, postgres_url: str, file_format: str
) -> None:
    engine = create_engine(make_url(postgres_url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text(TABLE.format(rows=ROWS)))
    engine.dispose()
    formats = {"born": "date", "signed_up": "datetime", "revenue": "money", "rate": "percent", "id": "integer"}
    columns = [{"name": name, "format": formats.get(name, "text")} for name in COLUMNS]
    rows = {"database": "shop", "query": "SELECT * FROM customers ORDER BY id"}
    write_type(tmp_path / "types", "customers", title="Customers", columns=columns, rows=rows)
    place.prepare(worker)
    types = {"REPORT_TYPES_DIR": str(tmp_path / "types"), "REPORT_DATABASES": f"shop={postgres_url}"}

    with processes("services.report", {**environment, **place.environment, **types}, tmp_path, 1) as [service]:
        await service.ready()
        began, peak = time.monotonic(), Peak(service.pid)
        with peak.watched():
            body = {"type": "customers", "initiatedBy": "test", "format": file_format}
            await place.publish(wire.JOBS, "report.generate", json.dumps(body).encode(), "large")
            done = 'postroom_messages_total{outcome="done",queue="report.generate"}'
            await eventually(lambda: _counted(service.metric(done)), within=WORK)
    print(f"{file_format}: {ROWS:,} rows, {peak.mib:.0f} MiB at most, {time.monotonic() - began:.1f} s")  # noqa: T201 - for who measures

    [document] = (tmp_path / "data" / "reports").rglob(f"*.{file_format}")
    assert document.stat().st_size > ROWS * 30
    assert peak.mib < MOST_MIB


async def _counted(metric: Awaitable[float]) -> Any:
    with suppress(httpx.TransportError):
        return await metric > 0
    return False
