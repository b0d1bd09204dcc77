"""The daily report from its schedule to its file, by each JOB_RUNNER, with the same handlers."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from postroom.devkit.ports import free_ports
from postroom.settings import RuntimeSettings
from postroom.standalone.dispatch import JobRunner, open_dispatcher
from postroom.testing import eventually
from postroom.wire.messages import GenerateReport
from postroom_audit.handlers import worker as audit
from postroom_report.handlers import worker as report
from postroom_scheduler.handlers import worker as scheduler
from tests.support import processes
from tests.support.brokers import VirtualHost
from tests.support.crash import Place, ServiceProcess
from tests.support.crash import processes as service_processes
from tests.support.patience import PROCESS_STARTS, WORK, seconds

BODY = "{type: daily-user-report, initiatedBy: test, format: csv}"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def written(data: Path) -> list[Path]:
    return [path for path in (data / "reports").rglob("*.csv") if ".incoming" not in path.parts]


def environment(data: Path, runner: JobRunner, schedule: str) -> dict[str, str]:
    data.mkdir()
    file = data / "schedules.yaml"
    file.write_text(f"schedules:\n  - {{name: daily-report, {schedule}, job: report.generate, body: {BODY}}}\n")
    return {"POSTROOM_DATA_DIR": str(data), "JOB_RUNNER": runner, "SCHEDULER_FILE": str(file)}


SOON = 'cron: "* * * * * *", overlap: skip'
"""Whenever it is that everything runs; the next one only when the last one is done."""


@contextmanager
def services(told: dict[str, str], folder: Path, *names: str) -> Iterator[list[ServiceProcess]]:
    with ExitStack() as stack:
        yield [stack.enter_context(service_processes(f"postroom_{name}", told, folder, 1))[0] for name in names]


@pytest.fixture
def place(vhost: VirtualHost) -> Place:
    place = Place(vhost.amqp_url, vhost.management_url)
    place.prepare(audit, report, scheduler)
    return place


def no_broker() -> dict[str, str]:
    (port,) = free_ports(1)
    return {"POSTROOM_AMQP_URL": f"amqp://guest:guest@127.0.0.1:{port}/"}


async def postroom(told: dict[str, str], *arguments: str) -> str:
    ended = await processes.postroom(*arguments, environment=told, apart=True)
    assert ended.code == 0, ended.errors
    return ended.output


async def test_hybrid_the_schedule_publishes_and_a_service_does_it(place: Place, data: Path, tmp_path: Path) -> None:
    told = {**place.environment, **environment(data, JobRunner.HYBRID, SOON)}
    with services(told, tmp_path, "scheduler", "audit", "report"):
        await eventually(lambda: written(data), within=WORK)


async def test_queue_what_is_run_is_published_at_once_and_nothing_fires_by_itself(
    place: Place, data: Path, tmp_path: Path
) -> None:
    told = {**place.environment, **environment(data, JobRunner.QUEUE, 'cron: "* * * * * *"')}
    with services(told, tmp_path, "scheduler", "audit", "report") as (firing, *others):
        await asyncio.gather(*(each.ready() for each in (firing, *others)))
        await postroom(told, "schedules", "run", "daily-report")
        await eventually(lambda: len(written(data)) == 1, within=WORK)
        shown = json.loads(await postroom(told, "schedules", "show", "daily-report", "--json"))
        assert len(shown["ticks"]) == len(written(data)) == 1  # though it would have fired every second meanwhile


async def test_cron_everything_is_done_in_one_process_without_a_broker(data: Path, tmp_path: Path) -> None:
    told = {**no_broker(), **environment(data, JobRunner.CRON, SOON)}
    with services(told, tmp_path, "scheduler") as (alone,):
        await alone.ready()
        await eventually(lambda: written(data), within=WORK)

        async def is_done() -> bool:
            return "done" in await postroom(told, "schedules", "show", "daily-report")

        await eventually(is_done, within=WORK)
        assert alone.stop() == 0


async def test_a_dispatcher_hands_over_to_whom_the_setting_names(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {**no_broker(), **environment(data, JobRunner.CRON, "paused: true, every: 1h")}
    monkeypatch.setenv("JOB_RUNNER", "cron")
    with services(told, tmp_path, "scheduler") as (alone,):
        await alone.ready()
        async with open_dispatcher(RuntimeSettings(data_dir=data)) as dispatcher:
            job = GenerateReport(type="daily-user-report", initiated_by="test", format="csv")
            await dispatcher.dispatch(job)
        await eventually(lambda: len(written(data)) == 1, within=WORK)


def test_a_runner_that_does_not_exist_is_named(data: Path, tmp_path: Path) -> None:
    told = {**environment(data, JobRunner.HYBRID, "every: 1h"), "JOB_RUNNER": "sometimes"}
    with services(told, tmp_path, "scheduler") as (wrong,):
        assert wrong.process is not None
        assert wrong.process.wait(seconds(PROCESS_STARTS)) == 78
        assert "JOB_RUNNER: Input should be 'queue', 'cron' or 'hybrid'" in wrong.log.read_text()
