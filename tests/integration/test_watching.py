"""What is wrong with a real broker is seen, and clears by itself. Each look is made by a user who may do nothing else."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aio_pika
import httpx
import pytest

from services.alerting.handlers import worker as alerting
from services.alerting.watching.heard import HeardLog
from services.alerting.watching.settings import WatchingSettings
from services.alerting.watching.watch import Watch
from shared import wire
from shared.broker_node import BrokerNode
from shared.database import Database
from shared.management import Management
from shared.testing import eventually
from shared.topology.ladder import walk_key
from shared.worker import Worker
from tests.support.brokers import VirtualHost, virtual_host_on
from tests.support.conditions import RecordingConditions
from tests.support.worker import Desk, Station, desk_at, publish

SOON = timedelta(seconds=20)
MONITOR = "watching-monitor"


@pytest.fixture
def station(vhost: VirtualHost) -> Station:
    """A virtual host of the test's own: a watch sees all queues of it."""
    station = Station(vhost)
    station.apply(alerting)
    return station


def monitoring(vhost: VirtualHost) -> Management:
    """The management API for the user `monitoring` of docs/operations.md."""
    admin = httpx.Client(base_url=f"{vhost.management_url}/api", auth=(vhost.user, vhost.password), trust_env=False)
    with admin:
        admin.put(f"/users/{MONITOR}", json={"password": "x", "tags": "monitoring"}).raise_for_status()
        nothing = {"configure": "^$", "write": "^$", "read": "^$"}
        admin.put(f"/permissions/{vhost.name}/{MONITOR}", json=nothing).raise_for_status()
    return Management(vhost.management_url, MONITOR, "x", vhost.name)


@dataclass
class Watched:
    """A watch at work, and what it sees."""

    conditions: RecordingConditions = field(default_factory=RecordingConditions)

    async def sees(self, key: str, within: timedelta = SOON) -> str:
        """Wait until that is wrong; its text."""
        return (await eventually(lambda: self.conditions.sees(key), within=within)).text

    async def sees_no(self, key: str) -> None:
        """Wait until it has cleared."""
        await eventually(lambda: self.conditions.sees_no(key), within=SOON)


@asynccontextmanager
async def watching(management: Management, data_dir: Path, **settings: Any) -> AsyncIterator[Watched]:
    """A watch of this virtual host alone."""
    watched = Watched()
    database = Database(f"sqlite+aiosqlite:///{data_dir}/watching.sqlite3", "alerting")
    await database.migrate()
    given = WatchingSettings(**{"watch_seconds": 0.5, "no_consumer_seconds": 1000, **settings})
    watch = Watch(given, management, HeardLog(database), watched.conditions)
    with management:
        async with watch.running():
            yield watched
    await database.close()


@pytest.fixture
async def desk(station: Station, tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_at(station, tmp_path) as desk:
        yield desk


async def test_dead_letters_moved_to_a_mistyped_queue_are_told_within_ten_seconds(desk: Desk, tmp_path: Path) -> None:
    worker = desk.worker()
    async with watching(monitoring(desk.station.vhost), tmp_path) as watched:
        await eventually(lambda: ("queue-undeclared", ()) in watched.conditions.observed, within=SOON)

        # What the management UI's "Move messages" does with a destination that does not exist.
        mistyped = desk.queue.replace(".do", ".od")
        await desk.channel.declare_queue(mistyped, durable=True)
        for n in range(3):
            await desk.put({"n": n}, exchange="", key=mistyped)
        text = await watched.sees(f"queue-undeclared {mistyped}", within=timedelta(seconds=10))

        assert f"3 messages in it wait for nobody; {desk.queue} was probably meant" in text
        assert await desk.depth(mistyped) == 3
        await desk.channel.queue_delete(mistyped)
        await watched.sees_no(f"queue-undeclared {mistyped}")
    assert worker.subscriptions


async def test_a_queue_that_nobody_reads_is_told_until_its_service_is_back(desk: Desk, tmp_path: Path) -> None:
    worker = desk.worker()
    key = f"queue-without-consumers {desk.queue}"
    async with watching(monitoring(desk.station.vhost), tmp_path, no_consumer_seconds=1) as watched:
        await desk.put({"n": 1})
        await watched.sees(key)
        async with desk.running(worker):
            await watched.sees_no(key)


async def test_a_queue_whose_oldest_message_waits_too_long_is_told_until_it_is_done(
    desk: Desk, tmp_path: Path
) -> None:
    worker = desk.worker()
    key = f"queue-old {desk.queue}"
    async with watching(monitoring(desk.station.vhost), tmp_path, queue_limits="*.do=3s") as watched:
        await desk.put({"n": 1})
        assert "1 message in" in await watched.sees(key)
        async with desk.running(worker):
            await watched.sees_no(key)


async def test_a_job_that_no_queue_takes_is_told_until_it_is_gone(desk: Desk, tmp_path: Path) -> None:
    async with watching(monitoring(desk.station.vhost), tmp_path) as watched:
        await desk.put({"n": 1}, key="nobody.does")
        await watched.sees("unrouted-not-empty")
        await (await desk.channel.get_queue(wire.UNROUTED_QUEUE)).purge()
        await watched.sees_no("unrouted-not-empty")


async def test_messages_that_cannot_leave_the_delay_ladder_are_told(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.alerting.watching.strands.GRACE", timedelta(seconds=1))
    async with watching(monitoring(desk.station.vhost), tmp_path) as watched:
        await publish(desk.channel, wire.DELAY, walk_key(timedelta(seconds=1), "nowhere"), {})
        assert "1 message cannot leave delay.1s" in await watched.sees("queue-stuck delay.1s")


async def test_an_alarm_and_a_broker_that_is_away_are_told_until_they_end(
    own_broker: BrokerNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.alerting.watching.nodes.GRACE", timedelta(seconds=0.5))
    with virtual_host_on(own_broker) as vhost:
        async with watching(monitoring(vhost), tmp_path) as watched:
            await eventually(lambda: ("nodes", ()) in watched.conditions.observed, within=SOON)
            # 1 byte of memory is less than it has.
            await asyncio.to_thread(own_broker.control, "set_vm_memory_high_watermark", "absolute", "1")
            await eventually(lambda: any("memory" in key for key in watched.conditions.lasting), within=SOON)
            [alarm] = [each for each in watched.conditions.lasting.values() if each.kind == "broker-alarm"]
            await asyncio.to_thread(own_broker.control, "set_vm_memory_high_watermark", "0.4")
            await watched.sees_no(alarm.key)
