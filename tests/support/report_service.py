"""The report service with types of the test's own, on a real broker."""

import csv
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import aio_pika
import yaml
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from sqlalchemy import text

from postroom import wire
from postroom.runtime.serving import ServiceRunner
from postroom.testing import eventually, running_service
from postroom.wire.messages import GenerateReport
from postroom_report.handlers import worker
from postroom_report.registry import shipped_types
from postroom_report.render_request import RenderRequest
from postroom_report.service import service as report_service
from tests.support.databases import service_database
from tests.support.patience import WORK
from tests.support.worker import WorkerVhost, publish, take_all

MOMENT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
LIST = {"title": "A list", "columns": [{"name": "n", "format": "integer"}, {"name": "name"}]}
BATCH = {**LIST, "each": "name"}
COUNTING = (
    "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {rows}) SELECT n, 'x' AS name FROM s"
)


def write_type(folder: Path, name: str, **definition: Any) -> None:
    """A report type in a folder of types."""
    (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / name / "report.yaml").write_text(yaml.safe_dump(definition), encoding="utf-8")


def rows(count: int) -> list[dict[str, Any]]:
    """Rows for LIST."""
    return [{"n": n, "name": f"name {n}"} for n in range(count)]


def make_order(types: Path, work: Path, kind: str = "list", **changes: Any) -> RenderRequest:
    """An order of a report in CSV, with `changes` to its fields; `job` changes those of the job."""
    job = {"type": kind, "initiatedBy": "test", "format": "csv", **changes.pop("job", {})}
    work.mkdir(parents=True, exist_ok=True)
    fields = {"job": GenerateReport.model_validate(job), "moment": MOMENT, "folder": work}
    return RenderRequest.model_validate({**fields, "type_folders": [types, shipped_types()], **changes})


def objects_in(folder: Path) -> dict[str, int]:
    """All files of a storage folder, also those nobody should see, with their sizes."""
    return {str(path.relative_to(folder)): path.stat().st_size for path in sorted(folder.rglob("*")) if path.is_file()}


def path_of(url: str) -> Path:
    """Where an object of a `file://` storage lies."""
    return Path(unquote(urlsplit(url).path))


@dataclass
class ReportHarness:
    """A running report service, and what it tells.

    Attributes:
        received: events and mails, by kind.
    """

    channel: AbstractChannel
    data_dir: Path
    types: Path
    received: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def storage(self) -> Path:
        """The folder of finished documents."""
        return self.data_dir / "reports"

    async def order(self, message_id: str, kind: str = "list", **fields: Any) -> None:
        """Ask for a report."""
        body = {"type": kind, "initiatedBy": "test", "format": "csv", **fields}
        await publish(self.channel, wire.JOBS, "report.generate", body, message_id=message_id)

    async def cancel(self, report_id: str) -> None:
        """Ask to stop one."""
        await publish(self.channel, wire.JOBS, "report.cancel", {"id": report_id})

    async def published(self, kind: str, count: int = 1, within: timedelta = WORK) -> list[dict[str, Any]]:
        """So many events or mails of a kind."""

        def check() -> bool:
            found = self.received.get(kind, [])
            assert len(found) >= count, f"{len(found)} of {count} {kind}; there are {list(self.received)}"
            return True

        await eventually(check, within=within)
        return self.received[kind]

    async def dead_letter(self, within: timedelta = WORK) -> Mapping[str, Any]:
        """The headers of the one report that failed for good."""

        letters: list[AbstractIncomingMessage] = []

        async def is_there() -> Any:
            letters.extend(await take_all(self.channel, wire.dead_queue("report.generate")))
            return bool(letters)

        await eventually(is_there, within=within)
        return dict(letters[0].headers)

    async def run_of(self, report_id: str) -> Mapping[str, Any]:
        """What the table of runs has of a report; empty if it knows none."""
        database = service_database(f"sqlite+aiosqlite:///{self.data_dir}/report.sqlite3", "report")
        try:
            query = text("SELECT * FROM report_runs WHERE job_id = :id")
            found = await database.run(lambda connection: connection.execute(query, {"id": report_id}).mappings().all())
        finally:
            await database.close()
        return dict(found[0]) if found else {}

    async def state(self, report_id: str, *states: str, within: timedelta = WORK) -> Mapping[str, Any]:
        """The run, once it is in one of the states."""

        async def check() -> Mapping[str, Any]:
            run = await self.run_of(report_id)
            assert run.get("state") in states, f"{report_id} is {run.get('state')}: {run.get('error')}"
            return run

        return await eventually(check, within=within)

    def running(self, worker_vhost: WorkerVhost, **settings: Any) -> Any:
        """The service's real runtime."""
        return running_service(report_service, worker_vhost.settings(self.data_dir, **settings))


@asynccontextmanager
async def report_harness_at(worker_vhost: WorkerVhost, data_dir: Path, types: Path) -> AsyncIterator[ReportHarness]:
    """The tables, queues and ears of a report service that is not running yet."""
    worker_vhost.apply(worker)
    database = service_database(f"sqlite+aiosqlite:///{data_dir}/report.sqlite3", "report")
    await database.migrate()
    await database.close()
    connection = await aio_pika.connect(worker_vhost.vhost.amqp_url)
    async with connection:
        report_harness = ReportHarness(await connection.channel(), data_dir, types)
        ear = await report_harness.channel.declare_queue(exclusive=True, auto_delete=True)
        for exchange, key in ((wire.EVENTS, "report.*"), (wire.JOBS, "email.send")):
            await ear.bind(exchange, key)

        async def hear(message: Any) -> None:
            entry = {**json.loads(message.body), "_id": message.message_id, "_correlation": message.correlation_id}
            report_harness.received.setdefault(message.routing_key, []).append(entry)

        await ear.consume(hear, no_ack=True)
        yield report_harness


@asynccontextmanager
async def report_harness_running(
    worker_vhost: WorkerVhost, data_dir: Path, types: Path
) -> AsyncIterator[tuple[ReportHarness, ServiceRunner]]:
    """A running report service."""
    async with (
        report_harness_at(worker_vhost, data_dir, types) as report_harness,
        report_harness.running(worker_vhost) as service,
    ):
        yield report_harness, service


def read_csv(path: Path) -> list[list[str]]:
    """The lines of a CSV."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))
