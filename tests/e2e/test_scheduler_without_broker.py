"""A broker that goes away while schedules fire: what was due comes afterwards, in order, and once."""

import asyncio
import sqlite3
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from postroom.devkit.broker_node import BrokerNode
from postroom.testing import eventually
from postroom_scheduler.handlers import worker as scheduler_worker
from postroom_scheduler.messages import message_id_of
from tests.support import crash_worker
from tests.support.crash import Place, ServiceProcess, flushed, processes
from tests.support.crash_worker import QUEUE
from tests.support.patience import REACTION, WORK, seconds

BEFORE, AWAY, AFTER = 3, 12, 3
"""Ticks that come before the outage, are owed during it, and come after it, at least."""


async def test_ticks_of_an_outage_of_the_broker_come_late_in_order_and_once(
    own_broker: BrokerNode, environment: dict[str, str], tmp_path: Path
) -> None:
    place = Place(own_broker.amqp_url, own_broker.management_url)
    place.prepare(scheduler_worker, crash_worker.worker)
    applied_at = time.monotonic()
    file = tmp_path / "schedules.yaml"
    write(file, f"{{name: tick, every: 1s, job: {QUEUE}, catch_up: all, catch_up_limit: 10000}}")
    database = Path(environment["POSTROOM_DATA_DIR"]) / "scheduler.sqlite3"
    told = {**environment, **place.environment, "SCHEDULER_FILE": str(file)}
    with processes("postroom_scheduler", told, tmp_path, 1) as (firing,):
        await firing.ready()
        await flushed(applied_at)
        await eventually(lambda: are_there(place, BEFORE), within=WORK)
        await asyncio.to_thread(own_broker.kill)
        await eventually(lambda: has_problem(firing, "scheduler publish"), within=WORK)
        await eventually(lambda: owed(database) >= AWAY, within=WORK)
        await asyncio.to_thread(own_broker.start)
        await firing.ready()
        known = await place.depth(QUEUE)
        await eventually(lambda: are_there(place, known + owed(database) + AFTER), within=WORK)
    ids = [message.message_id for message in await place.take_all(QUEUE)]
    different = list(dict.fromkeys(ids))
    assert len(different) >= BEFORE + AWAY + AFTER
    first = datetime.fromisoformat(different[0].removeprefix("tick@"))
    assert different == [message_id_of("tick", first + timedelta(seconds=number)) for number in range(len(different))]
    # What was being published when the broker died is published again, under the same id: the inbox drops it.
    assert len(ids) <= len(different) + 2


def owed(database: Path) -> int:
    """How many ticks are written and not published."""
    with closing(sqlite3.connect(database, timeout=seconds(REACTION))) as connection:
        (count,) = connection.execute("SELECT count(*) FROM ticks WHERE published_at IS NULL").fetchone()
    return int(count)


async def are_there(place: Place, count: int) -> bool:
    """Whether so many messages wait to be done."""
    return await place.depth(QUEUE) >= count


def write(file: Path, schedule: str) -> None:
    file.write_text(f"schedules: [{schedule}]\n")


async def has_problem(service: ServiceProcess, name: str) -> bool:
    return name in await service.problems()
