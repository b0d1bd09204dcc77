"""The monitor on a real broker: conditions begin and clear. Its user may do nothing but read the management API."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from postroom import wire
from postroom.broker.management import Management, QueueInfo
from postroom.broker.publishing import Publisher
from postroom.broker.topology.ladder import walk_key
from postroom.devkit.broker_node import BrokerNode
from postroom.runtime.assembly import Runtime
from postroom.testing import eventually, running_with
from postroom.wire.errors import ProviderUnavailable
from postroom.worker import Adapters, Delivery
from postroom_alerting.adapters import open_monitor
from postroom_alerting.handlers import worker as alerting
from postroom_alerting.incidents.conditions import Condition
from postroom_alerting.intake.failures import FailureLog
from postroom_alerting.monitor.heartbeats import HeartbeatLog
from postroom_alerting.monitor.monitor import Monitor
from postroom_alerting.monitor.settings import MonitorSettings
from postroom_alerting.notify.dispatcher import Dispatcher
from postroom_alerting.service import service as alerting_service
from tests.support.brokers import VirtualHost, virtual_host_on
from tests.support.conditions import RecordingConditions
from tests.support.databases import service_database
from tests.support.moving import move_messages
from tests.support.patience import COUNTED, seconds
from tests.support.worker import Chore, WorkerHarness, WorkerVhost, harness_at, publish


@pytest.fixture
def worker_vhost(vhost: VirtualHost) -> WorkerVhost:
    """A virtual host of the test's own: a monitor sees all queues of it."""
    worker_vhost = WorkerVhost(vhost)
    worker_vhost.apply(alerting)
    return worker_vhost


@contextmanager
def monitoring(vhost: VirtualHost) -> Iterator[Management]:
    """The management API for the user `monitoring` of docs/operations.md; one of this virtual host's own."""
    name = f"{vhost.name}-monitor"

    def admin() -> httpx.Client:
        url, login = f"{vhost.management_url}/api", (vhost.user, vhost.password)
        return httpx.Client(base_url=url, auth=login, timeout=seconds(COUNTED), trust_env=False)

    with admin() as api:
        api.put(f"/users/{name}", json={"password": "x", "tags": "monitoring"}).raise_for_status()
        nothing = {"configure": "^$", "write": "^$", "read": "^$"}
        api.put(f"/permissions/{vhost.name}/{name}", json=nothing).raise_for_status()
    with Management(vhost.management_url, name, "x", vhost.name) as management:
        yield management
    with admin() as api:
        api.delete(f"/users/{name}").raise_for_status()


@dataclass
class MonitorHarness:
    """A running monitor, its management API, and the conditions that it records."""

    conditions: RecordingConditions = field(default_factory=RecordingConditions)
    management: Management | None = None

    async def sees(self, key: str, within: timedelta = COUNTED) -> str:
        """Wait until that is wrong; its text."""
        return (await eventually(lambda: self.conditions.sees(key), within=within)).text

    async def sees_no(self, key: str) -> None:
        """Wait until it has cleared."""
        await eventually(lambda: self.conditions.sees_no(key), within=COUNTED)


@asynccontextmanager
async def running_monitor(vhost: VirtualHost, data_dir: Path, **settings: Any) -> AsyncIterator[MonitorHarness]:
    """A monitor of this virtual host alone."""
    monitored = MonitorHarness()
    database = service_database(f"sqlite+aiosqlite:///{data_dir}/monitor.sqlite3", "alerting")
    await database.migrate()
    given = MonitorSettings(**{"watch_seconds": 0.5, "no_consumer_seconds": 1000, **settings})
    with monitoring(vhost) as management:
        monitored.management = management
        monitor = Monitor(given, management, HeartbeatLog(database), monitored.conditions)
        try:
            async with monitor.running(lambda: None):
                yield monitored
        finally:
            await database.close()


@pytest.fixture
async def harness(worker_vhost: WorkerVhost, tmp_path: Path) -> AsyncIterator[WorkerHarness]:
    async with harness_at(worker_vhost, tmp_path) as harness:
        yield harness


async def test_dead_letters_moved_to_a_mistyped_queue_are_recorded_at_the_first_poll_that_meets_them(
    harness: WorkerHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.worker()
    dead, mistyped = wire.dead_queue(harness.queue), harness.queue.replace(".do", ".od")
    async with running_monitor(harness.worker_vhost.vhost, tmp_path) as monitored:
        polls = polls_that_meet(mistyped, monitored, monkeypatch)
        await eventually(lambda: ("queue-undeclared", ()) in monitored.conditions.observed, within=COUNTED)
        for n in range(3):
            await harness.put({"n": n}, exchange=wire.DEAD_LETTERS)

        await move_messages(harness.worker_vhost.vhost, dead, mistyped)
        await monitored.sees(f"queue-undeclared {mistyped}")
        await eventually(lambda: len(polls) >= 3)
        assert set(polls[1:]) == {"recorded"}
        text = await eventually(lambda: text_about(3, mistyped, monitored), within=COUNTED)

        assert f"3 messages wait in it, which was probably meant to be {harness.queue}" in text
        assert await harness.depth(mistyped) == 3
        await move_messages(harness.worker_vhost.vhost, mistyped, harness.queue)
        assert await harness.depth() == 3
        await harness.channel.queue_delete(mistyped)
        await monitored.sees_no(f"queue-undeclared {mistyped}")


def polls_that_meet(queue: str, monitored: MonitorHarness, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whether a queue was recorded at the beginning of each poll that found messages in it, counted by the broker."""
    assert monitored.management is not None
    polls, queues = list[str](), monitored.management.queues

    def recorded_queues() -> list[QueueInfo]:
        found = queues()
        if any(each.name == queue and each.is_counted and each.messages for each in found):
            polls.append(
                "recorded" if f"queue-undeclared {queue}" in monitored.conditions.lasting else "not recorded yet"
            )
        return found

    monkeypatch.setattr(monitored.management, "queues", recorded_queues)
    return polls


def text_about(messages: int, queue: str, monitored: MonitorHarness) -> str:
    text = monitored.conditions.sees(f"queue-undeclared {queue}").text
    assert f"{messages} messages" in text, text
    return text


async def test_conditions_of_queues_last_until_they_are_repaired(
    harness: WorkerHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroom_alerting.monitor.stuck_queues.GRACE", timedelta(seconds=1))
    worker = harness.worker()
    settings = {"no_consumer_seconds": 1, "queue_limits": "*.do=3s"}
    async with running_monitor(harness.worker_vhost.vhost, tmp_path, **settings) as monitored:
        put_at = time.monotonic()
        await harness.put({"n": 1})
        await harness.put({"n": 1}, key="nobody.does")
        await publish(harness.channel, wire.DELAY, walk_key(timedelta(seconds=1), "nowhere"), {})

        await monitored.sees(f"queue-without-consumers {harness.queue}")
        assert f"1 message in {harness.queue}" in await monitored.sees(f"queue-old {harness.queue}")
        age = REGISTRY.get_sample_value("postroom_queue_oldest_seconds", {"queue": harness.queue})
        assert 3 <= (age or 0) <= time.monotonic() - put_at
        assert "1 job that no queue takes" in await monitored.sees("unrouted-not-empty")
        assert "1 message cannot leave delay.1s" in await monitored.sees("queue-stuck delay.1s")

        await (await harness.channel.get_queue(wire.UNROUTED_QUEUE)).purge()
        async with harness.running(worker):
            await monitored.sees_no(f"queue-without-consumers {harness.queue}")
            await monitored.sees_no(f"queue-old {harness.queue}")
            await monitored.sees_no("unrouted-not-empty")
            assert REGISTRY.get_sample_value("postroom_conditions", {"kind": "unrouted-not-empty"}) == 0


async def test_an_open_circuit_is_a_condition_until_the_provider_is_back(
    harness: WorkerHarness, tmp_path: Path
) -> None:
    is_away = True

    async def do(_job: Chore, _delivery: Delivery) -> None:
        if is_away:
            raise ProviderUnavailable("connection refused")

    async with (
        harness.running(harness.worker(do, service="email")),
        listening(harness.worker_vhost, tmp_path) as monitored,
    ):
        await harness.put({"n": 1}, message_id="held")
        assert "email is away" in (text := await monitored.sees("circuit-open email"))
        assert "connection refused" in text
        is_away = False
        await monitored.sees_no("circuit-open email")
        await harness.counted(done=1, retried=0, dead=0)


@asynccontextmanager
async def listening(worker_vhost: WorkerVhost, data_dir: Path) -> AsyncIterator[MonitorHarness]:
    """Alerting's real runtime with its real listeners, and conditions that the test sees."""
    monitored = MonitorHarness()

    @asynccontextmanager
    async def adapters(runtime: Runtime) -> AsyncIterator[Adapters]:
        async with open_monitor(runtime, monitored.conditions, lambda: None) as given:
            yield dict.fromkeys((FailureLog, Dispatcher)) | {Publisher: runtime.publisher, **given}

    async with running_with(
        alerting, adapters, alerting_service.migrations_folder(), settings=worker_vhost.settings(data_dir)
    ):
        yield monitored


async def test_an_alarm_and_a_broker_that_is_away_are_conditions_until_they_end(
    own_broker: BrokerNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroom_alerting.monitor.broker_nodes.GRACE", timedelta(seconds=0.5))
    with virtual_host_on(own_broker) as vhost:
        async with running_monitor(vhost, tmp_path) as monitored:
            await eventually(lambda: ("nodes", ()) in monitored.conditions.observed, within=COUNTED)
            await asyncio.to_thread(restart, own_broker, disk_free_limit="100000GB")
            await eventually(lambda: "management-unreachable" in seen(monitored), within=COUNTED)
            alarm = await eventually(lambda: of_kind(monitored, "broker-alarm"), within=COUNTED)
            assert "disk alarm" in alarm.text
            await asyncio.to_thread(restart, own_broker, disk_free_limit="100MB")
            await monitored.sees_no(alarm.key)
            await monitored.sees_no("management-unreachable")


def restart(broker: BrokerNode, *, disk_free_limit: str) -> None:
    """Kill the node and start it with another limit."""
    broker.kill()
    assert broker.log is not None
    configuration = broker.log.parent.parent / "rabbitmq.conf"
    lines = [line for line in configuration.read_text().splitlines() if "disk_free_limit" not in line]
    configuration.write_text("\n".join([*lines, f"disk_free_limit.absolute = {disk_free_limit}", ""]))
    broker.start()


def seen(monitored: MonitorHarness) -> set[str]:
    """The keys of all conditions that were ever recorded."""
    return {key for _source, keys in monitored.conditions.observed for key in keys}


def of_kind(monitored: MonitorHarness, kind: str) -> Condition | None:
    """What of that kind lasts."""
    return next((each for each in monitored.conditions.lasting.values() if each.kind == kind), None)
