"""A broker that goes away while schedules fire: what was due comes afterwards, in order, and once."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.scheduler.handlers import worker as scheduler_worker
from services.scheduler.messages import message_id_of
from shared.broker_node import BrokerNode
from shared.messages.schedule import rfc3339
from shared.testing import eventually
from tests.support import crash_worker
from tests.support.crash import Place, ServiceProcess, flushed, processes
from tests.support.crash_worker import QUEUE
from tests.support.patience import REACTION, WORK

TICKS = 25
AWAY_SECONDS = 12


@pytest.mark.timeout(150)
async def test_ticks_of_an_outage_of_the_broker_come_late_in_order_and_once(
    own_broker: BrokerNode, environment: dict[str, str], tmp_path: Path
) -> None:
    place = Place(own_broker.amqp_url, own_broker.management_url)
    place.prepare(scheduler_worker, crash_worker.worker)
    applied_at = time.monotonic()
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=8)
    times = [start + timedelta(seconds=number) for number in range(TICKS)]
    file = tmp_path / "schedules.yaml"
    write(file, f"{{name: tick, every: 1s, start: {rfc3339(start)}, end: {rfc3339(times[-1])}, job: {QUEUE}}}")
    told = {**environment, **place.environment, "SCHEDULER_FILE": str(file)}
    with processes("services.scheduler", told, tmp_path, 1) as (firing,):
        await firing.ready()
        await flushed(applied_at)
        await eventually(lambda: datetime.now(UTC) > times[3], within=REACTION)
        await asyncio.to_thread(own_broker.kill)
        await eventually(lambda: has_problem(firing, "scheduler publish"), within=REACTION)
        await asyncio.sleep(AWAY_SECONDS)  # the outage
        await asyncio.to_thread(own_broker.start)

        async def are_all_there() -> bool:
            return await place.depth(QUEUE) >= TICKS

        await eventually(are_all_there, within=WORK)
        await firing.ready()
    ids = [message.message_id for message in await place.take_all(QUEUE)]
    # What was being published when the broker died is published again, under the same id: the inbox drops it.
    assert list(dict.fromkeys(ids)) == [message_id_of("tick", moment) for moment in times]
    assert len(ids) <= TICKS + 2


def write(file: Path, schedule: str) -> None:
    file.write_text(f"schedules: [{schedule}]\n")


async def has_problem(service: ServiceProcess, name: str) -> bool:
    return name in await service.problems()
