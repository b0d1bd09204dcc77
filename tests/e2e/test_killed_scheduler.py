"""Schedulers killed at every point of a tick's life, at random, and frozen: each tick is done once, none is missing.

Their clock is set by the test and goes on as fast as they do: how many ticks there are depends on the machine, that all
of them are done does not.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from postroom.testing import eventually
from postroom_scheduler.handlers import worker as scheduler_worker
from postroom_scheduler.messages import message_id_of
from tests.support import crash_scheduler, crash_worker
from tests.support.crash import Place, ServiceProcess, processes
from tests.support.crash_scheduler import POINTS, SharedClock
from tests.support.crash_worker import COUNTING_FILE, QUEUE, CountingFile
from tests.support.patience import PROCESS_STARTS, TAKEN_OVER, WORK
from tests.support.processes import postroom

BEGAN_AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
FIRST = BEGAN_AT + timedelta(seconds=10)
SCHEDULE = f"""
schedules:
  - name: every-second
    cron: "* * * * * *"
    start: {FIRST.isoformat()}
    job: {QUEUE}
    catch_up: all
    catch_up_limit: 10000
"""
MOST_OWED = 60
"""Ticks that are due and not done before the clock slows down."""
FROZEN = timedelta(seconds=60)
DEADLY = set(POINTS) - {"never"}


@dataclass
class Chaos:
    """The schedulers' hard life: the clock they share, who died, and how far they are."""

    told: dict[str, str]
    schedulers: list[ServiceProcess]
    clock: SharedClock
    counting: CountingFile
    died_at_points: Path
    deaths: list[int] = field(default_factory=list)

    async def is_scheduled(self) -> bool:
        """Whether somebody has read the file: what is due before that is not owed."""
        return (await postroom("schedules", "show", "every-second", environment=self.told)).code == 0

    async def let_time_pass(self) -> None:
        """Twelve times as fast as the machine's; only as fast when the schedulers do not follow."""
        while True:
            self.clock.set(self.clock.now() + timedelta(seconds=1))
            owed = len(self.due()) - len(self.counting.count("done"))
            await asyncio.sleep(1 / 12 if owed < MOST_OWED else 1)

    def due(self) -> set[str]:
        """The ids of all ticks until now."""
        count = int((self.clock.now() - FIRST).total_seconds()) + 1
        return {message_id_of("every-second", FIRST + timedelta(seconds=number)) for number in range(count)}

    def points(self) -> set[str]:
        """Where somebody died by itself."""
        return set(self.died_at_points.read_text().splitlines()) if self.died_at_points.exists() else set()


@contextmanager
def everything(place: Place, environment: dict[str, str], folder: Path, schedulers: int) -> Iterator[Chaos]:
    """A counting service, and so many schedulers."""
    place.prepare(scheduler_worker, crash_worker.worker)
    (folder / "schedules.yaml").write_text(SCHEDULE)
    told = {**environment, **place.environment}
    own = {**told, **crash_scheduler.environment(folder)}
    clock = SharedClock(folder / "clock")
    clock.set(BEGAN_AT)
    with (
        processes("tests.support.crash_worker", told, folder, 1),
        processes("tests.support.crash_scheduler", own, folder, schedulers) as running,
    ):
        yield Chaos(own, running, clock, CountingFile(Path(environment[COUNTING_FILE])), folder / "starts.died")


async def keep_alive(chaos: Chaos) -> None:
    """Start again whatever died, as Kubernetes would."""
    while True:
        for each in chaos.schedulers:
            assert each.process is not None
            if (code := each.process.poll()) is not None:
                chaos.deaths.append(code)
                each.end()
                each.start()
        await asyncio.sleep(0.1)


async def kill_at_random(schedulers: list[ServiceProcess]) -> None:
    while True:
        await asyncio.sleep(random.uniform(2, 6))  # noqa: S311 - any moment will do
        victim = random.choice(schedulers)  # noqa: S311 - nor who
        if victim.process is not None and victim.process.poll() is None:
            victim.kill()


async def freeze_once(chaos: Chaos, has_thawed: asyncio.Event) -> None:
    frozen = chaos.schedulers[-1]
    await frozen.ready()
    frozen.freeze()
    until = chaos.clock.now() + FROZEN
    await eventually(lambda: chaos.clock.now() >= until, within=WORK * 2)
    frozen.wake()
    has_thawed.set()


async def endure(chaos: Chaos, *troubles: Callable[[], Coroutine[Any, Any, None]], until: Callable[[], object]) -> None:
    """Let time pass amid these troubles until `until` is true. All that is due by then is done, once."""
    await eventually(chaos.is_scheduled, within=PROCESS_STARTS)
    async with asyncio.TaskGroup() as group:
        living = [group.create_task(keep_alive(chaos)), group.create_task(chaos.let_time_pass())]
        tasks = [group.create_task(trouble()) for trouble in troubles]
        await eventually(until, within=WORK * 3)
        for task in tasks:
            task.cancel()
        due = chaos.due()
        await eventually(lambda: chaos.counting.count("done").keys() >= due, within=TAKEN_OVER + WORK)
        for task in living:
            task.cancel()
    assert set(chaos.counting.count("done").values()) == {1}


async def test_three_schedulers_that_are_killed_and_frozen_have_each_tick_done_once(
    place: Place, environment: dict[str, str], postgres_url: str, tmp_path: Path
) -> None:
    has_thawed = asyncio.Event()
    with everything(place, {**environment, "POSTROOM_DATABASE_URL": postgres_url}, tmp_path, 3) as chaos:
        await endure(
            chaos,
            lambda: kill_at_random(chaos.schedulers[:2]),
            lambda: freeze_once(chaos, has_thawed),
            until=lambda: len(chaos.deaths) >= 8 and chaos.points() == DEADLY and has_thawed.is_set(),
        )


async def test_one_scheduler_on_sqlite_that_is_killed_and_restarted_has_each_tick_done_once(
    place: Place, environment: dict[str, str], tmp_path: Path
) -> None:
    with everything(place, environment, tmp_path, 1) as chaos:
        await endure(
            chaos,
            lambda: kill_at_random(chaos.schedulers),
            until=lambda: len(chaos.deaths) >= 4 and chaos.points(),
        )
