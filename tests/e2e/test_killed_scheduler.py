"""Schedulers killed at every point of a tick's life, at random, and frozen: each tick is done once, none is missing.

The clock runs SCHEDULER_TEST_FACTOR times as fast as the machine's (12); 1 is the real one, and takes nine minutes.
"""

import asyncio
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.scheduler.handlers import worker as scheduler_worker
from services.scheduler.messages import message_id_of
from shared.testing import eventually
from tests.support import crash_scheduler, crash_worker
from tests.support.crash import Place, ServiceProcess, processes
from tests.support.crash_worker import QUEUE, CountingFile

FACTOR = float(os.environ.get("SCHEDULER_TEST_FACTOR", "12"))
TICKS = 500
BEGAN_AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
FIRST = BEGAN_AT + timedelta(seconds=10 * FACTOR)  # ten seconds of the machine's for starting
SCHEDULE = f"""
schedules:
  - name: every-second
    cron: "* * * * * *"
    start: {FIRST.isoformat()}
    end: {(FIRST + timedelta(seconds=TICKS - 1)).isoformat()}
    job: {QUEUE}
    catch_up: all
    catch_up_limit: 1000
"""
EXPECTED = {message_id_of("every-second", FIRST + timedelta(seconds=number)) for number in range(TICKS)}
FROZEN_SECONDS = 60 / FACTOR

pytestmark = pytest.mark.timeout(200 + TICKS / FACTOR)


@contextmanager
def everything(
    place: Place, environment: dict[str, str], folder: Path, schedulers: int
) -> Iterator[list[ServiceProcess]]:
    """A counting service, and so many schedulers."""
    place.prepare(scheduler_worker, crash_worker.worker)
    (folder / "schedules.yaml").write_text(SCHEDULE)
    told = {**environment, **place.environment}
    with (
        processes("tests.support.crash_worker", told, folder, 1),
        processes(
            "tests.support.crash_scheduler",
            {**told, **crash_scheduler.environment(folder, FACTOR, BEGAN_AT)},
            folder,
            schedulers,
        ) as running,
    ):
        yield running


async def keep_alive(schedulers: list[ServiceProcess], deaths: list[int]) -> None:
    """Start again whatever died, as Kubernetes would."""
    while True:
        for each in schedulers:
            assert each.process is not None
            if each.process.poll() is not None:
                deaths.append(each.process.returncode)
                each.end()
                each.start()
        await asyncio.sleep(0.1)


async def kill_at_random(schedulers: list[ServiceProcess]) -> None:
    while True:
        await asyncio.sleep(random.uniform(2, 6))  # noqa: S311 - any moment will do
        victim = random.choice(schedulers)  # noqa: S311 - nor who
        if victim.process is not None and victim.process.poll() is None:
            victim.kill()


async def freeze_once(schedulers: list[ServiceProcess]) -> None:
    await asyncio.sleep(20)
    frozen = schedulers[-1]
    frozen.freeze()
    await asyncio.sleep(FROZEN_SECONDS)
    frozen.wake()


async def all_done(counting: CountingFile) -> None:
    await eventually(lambda: counting.count("done").keys() >= EXPECTED, within=timedelta(seconds=100 + TICKS / FACTOR))


async def test_three_schedulers_that_are_killed_and_frozen_have_each_tick_done_once(
    place: Place, environment: dict[str, str], postgres_url: str, tmp_path: Path, counting: CountingFile
) -> None:
    deaths: list[int] = []
    with everything(place, {**environment, "POSTROOM_DATABASE_URL": postgres_url}, tmp_path, 3) as schedulers:
        async with asyncio.TaskGroup() as group:
            chaos = [
                group.create_task(keep_alive(schedulers, deaths)),
                group.create_task(kill_at_random(schedulers[:2])),
                group.create_task(freeze_once(schedulers)),
            ]
            await all_done(counting)
            for task in chaos:
                task.cancel()

    assert len(deaths) >= 8
    assert set((tmp_path / "starts.died").read_text().splitlines()) == set(crash_scheduler.POINTS) - {"never"}
    assert counting.count("done") == dict.fromkeys(EXPECTED, 1)


async def test_one_scheduler_on_sqlite_that_is_killed_and_restarted_has_each_tick_done_once(
    place: Place, environment: dict[str, str], tmp_path: Path, counting: CountingFile
) -> None:
    deaths: list[int] = []
    with everything(place, environment, tmp_path, 1) as schedulers:
        async with asyncio.TaskGroup() as group:
            chaos = [
                group.create_task(keep_alive(schedulers, deaths)),
                group.create_task(kill_at_random(schedulers)),
            ]
            await all_done(counting)
            for task in chaos:
                task.cancel()

    assert len(deaths) >= 4
    assert counting.count("done") == dict.fromkeys(EXPECTED, 1)
