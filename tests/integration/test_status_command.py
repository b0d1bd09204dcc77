"""`postroom status`: one screen, and an exit code that says whether somebody must get up."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from postroom import terminal
from postroom.devkit.health_urls import ask_health, health_urls_written, read_health_urls
from postroom.operator.cli import app
from postroom.settings import RuntimeSettings
from postroom.storage.database import Database
from postroom.testing import eventually
from postroom.wire.errors import ProviderUnavailable
from postroom.worker import Delivery
from postroom_alerting.incidents.sql_conditions import SqlConditionLog
from postroom_alerting.rules.routes import Rules
from tests.support.alerting import NOON, make_condition
from tests.support.brokers import VirtualHost
from tests.support.databases import service_database
from tests.support.patience import COUNTED, REACTION, WORK, seconds
from tests.support.standalone import calling_providers
from tests.support.worker import Chore, WorkerHarness, WorkerVhost, harness_at, readiness

Status = Callable[..., Awaitable[Result]]


@pytest.fixture
def status(vhost: VirtualHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Status:
    monkeypatch.setenv("POSTROOM_AMQP_URL", vhost.amqp_url)
    monkeypatch.setenv("POSTROOM_MANAGEMENT_URL", vhost.management_url)
    monkeypatch.setenv("POSTROOM_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(terminal.out, "width", 200)
    monkeypatch.setitem(ask_health.__kwdefaults__, "seconds", seconds(REACTION))

    async def run(*arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, ["status", *arguments])

    return run


async def test_queues_services_and_outages_are_on_one_screen(
    vhost: VirtualHost, tmp_path: Path, status: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_job: Chore, _delivery: Delivery) -> None:
        raise ProviderUnavailable("connection refused")

    worker_vhost = WorkerVhost(vhost)
    async with (
        harness_at(worker_vhost, tmp_path) as harness,
        harness.running(harness.worker(refuse, service="email")) as service,
    ):
        await harness.put({"n": 1}, exchange="dead-letters")
        await harness.put({"n": 1})
        await harness.put({"n": 1}, key="nobody.does")
        await eventually(service.details)
        with health_urls_written(tmp_path, {"email": service.health.url}):
            seen = await eventually(lambda: counted(status, harness), within=COUNTED)
            shown = await status()
            monkeypatch.setenv("ALERTING_IGNORED_QUEUES", "shop.*, alert*")
            left_out = json.loads((await status("--json")).stdout)

    assert seen["unrouted"] == 1
    assert seen["health"][0]["is_ready"] is True
    assert seen["health"][0]["outages"]["email"]["reason"] == "connection refused"
    assert any(f"1 in {harness.queue}.dead" in each for each in seen["problems"])
    assert any("email waits for its provider" in each for each in seen["problems"])
    assert any("nobody reads alerting" in each for each in seen["problems"])
    assert not any("alerting" in each for each in left_out["problems"])
    assert shown.exit_code == 1
    for text in (harness.queue, "away: connection refused, 1 held", "1 unrouted", "no alarm"):
        assert text in shown.stdout


async def counted(status: Status, harness: WorkerHarness) -> dict[str, Any]:
    """The state, once the broker has counted the queue's messages."""
    seen: dict[str, Any] = json.loads((await status("--json")).stdout)
    figures = ("waiting", "in_work", "consumers", "dead")
    assert [[each[name] for name in figures] for each in seen["queues"] if each["queue"] == harness.queue] == [
        [0, 1, 1, 1]
    ]
    assert seen["unrouted"] == 1
    return seen


async def test_each_outage_of_a_process_with_several_services_is_shown(tmp_path: Path, status: Status) -> None:
    settings = RuntimeSettings(data_dir=tmp_path / "standalone", health_port=0)
    async with calling_providers(settings, {"one", "other"}) as runner:
        await eventually(lambda: runner.details().get("outages", {}).keys() == {"one", "other"}, within=WORK)
        assert runner.health is not None
        given = ("--health", f"standalone={runner.health.url}")
        shown, seen = await status(*given), json.loads((await status("--json", *given)).stdout)

    for name in ("one", "other"):
        assert any(f"{name} waits for its provider" in each for each in seen["problems"])
    assert seen["health"][0]["outages"].keys() == {"one", "other"}
    assert "one away: one's server refuses connections, " in shown.stdout
    assert "; other away: other's server refuses connections, " in shown.stdout
    assert shown.exit_code == 1


async def test_a_broker_without_topology_and_messages_is_fine(
    vhost: VirtualHost, status: Status, tmp_path: Path
) -> None:
    async with alerting_database(tmp_path):
        result = await status()

    assert result.exit_code == 0
    assert "All is well." in result.stdout


async def test_where_alerting_never_ran_the_screen_says_so_and_nothing_is_made(
    vhost: VirtualHost, status: Status, tmp_path: Path
) -> None:
    result = await status()

    assert result.exit_code == 0
    assert "All that could be asked is well." in result.stdout
    assert f"Alerting was not asked: the alerting service has no database at {tmp_path}" in result.stdout
    assert files_in(tmp_path) == []


async def test_what_alerting_has_open_and_cannot_be_read_is_a_problem(
    vhost: VirtualHost, status: Status, tmp_path: Path
) -> None:
    (tmp_path / "alerting.sqlite3").write_text("somebody's notes" * 100)

    result = await status()

    assert result.exit_code == 1
    assert "what alerting knows cannot be read: the alerting service's database cannot be used" in result.stdout
    assert "All" not in result.stdout


async def test_what_alerting_has_open_is_a_problem(vhost: VirtualHost, status: Status, tmp_path: Path) -> None:
    async with alerting_database(tmp_path) as database:
        condition = make_condition(key="scheduler-late", kind="scheduler-late", text="a tick has waited 70 s")
        await SqlConditionLog(database, Rules(())).observe("scheduler-late", [condition], NOON)
        result = await status()

    assert result.exit_code == 1
    assert "scheduler-late: a tick has waited 70 s" in result.stdout


def files_in(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


@asynccontextmanager
async def alerting_database(folder: Path) -> AsyncIterator[Database]:
    """The database of an alerting service that has run."""
    database = service_database(f"sqlite+aiosqlite:///{folder}/alerting.sqlite3", "alerting")
    await database.migrate()
    yield database
    await database.close()


async def test_without_a_broker_the_services_are_shown_all_the_same(
    harness: WorkerHarness, status: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_MANAGEMENT_URL", "http://127.0.0.1:1")
    async with harness.running(harness.worker()) as service:
        assert (await readiness(service))[0] == 200
        result = await status("--json", "--health", f"chores={service.health.url}", "--health", "http://127.0.0.1:1")

    assert result.exit_code == 3
    seen = json.loads(result.stdout)
    assert "no management API" in seen["broker_problem"]
    assert [(each["service"], each["is_ready"]) for each in seen["health"]] == [
        ("chores", True),
        ("http://127.0.0.1:1", False),
    ]
    assert "does not answer" in seen["problems"][1]


def test_where_services_answer_is_noted_as_long_as_they_run(tmp_path: Path) -> None:
    with health_urls_written(tmp_path / "new", {"email": "http://127.0.0.1:8080"}):
        assert read_health_urls(tmp_path / "new") == {"email": "http://127.0.0.1:8080"}
    assert read_health_urls(tmp_path / "new") == {}
    (tmp_path / "services.json").write_text("[")
    assert read_health_urls(tmp_path) == {}
