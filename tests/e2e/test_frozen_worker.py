"""A worker that stands still for a while: others do its work, and it does not take theirs when it wakes."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postroom import wire
from postroom.broker.publishing import Outgoing
from postroom.runtime.inbox import Liveness
from postroom.runtime.inbox.liveness import BEAT, LEASE
from postroom.storage.database import Database
from postroom.testing import eventually
from tests.support import crash_worker
from tests.support.crash import Place, processes
from tests.support.crash_worker import QUEUE, CountingFile
from tests.support.load import Load, make_publisher
from tests.support.patience import WORK

FROZEN_SECONDS = 20


class HandSetClock:
    """Monotonic seconds that pass only when told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A service's database with the runtime's tables."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/counting.sqlite3", "counting")
    await database.migrate()
    yield database
    await database.close()


async def test_a_process_that_wakes_holds_nobody_for_dead_whom_it_could_not_watch(database: Database) -> None:
    clock = HandSetClock()
    frozen, other = Liveness(database, "frozen", clock=clock), Liveness(database, "other", clock=clock)
    await other.beat()
    await frozen.beat()

    clock.seconds += 20
    await other.beat()

    assert not frozen.is_dead("other")
    await frozen.beat()
    assert not frozen.is_dead("other")


async def test_two_processes_that_were_frozen_together_do_not_take_each_others_work(database: Database) -> None:
    clock = HandSetClock()
    one, other = Liveness(database, "one", clock=clock), Liveness(database, "other", clock=clock)
    await other.beat()
    await one.beat()

    clock.seconds += 20
    await one.beat()

    assert not one.is_dead("other")


async def test_who_does_not_beat_while_it_is_watched_is_dead(database: Database) -> None:
    clock = HandSetClock()
    watcher, victim = Liveness(database, "watcher", clock=clock), Liveness(database, "victim", clock=clock)
    await victim.beat()
    await watcher.beat()

    while clock.seconds <= 1000 + LEASE.total_seconds():
        assert not watcher.is_dead("victim")
        clock.seconds += BEAT.total_seconds() + 0.01
        await watcher.beat()

    assert watcher.is_dead("victim")


async def test_a_worker_frozen_for_twenty_seconds_loses_nothing_and_takes_no_work_from_the_other(
    place: Place, environment: dict[str, str], tmp_path: Path, counting: CountingFile
) -> None:
    place.prepare(crash_worker.worker)
    body = json.dumps({"seconds": 2}).encode()
    with processes(crash_worker.__name__, {**environment, **place.environment}, tmp_path, 2) as [frozen, other]:
        await asyncio.gather(frozen.ready(), other.ready())
        async with make_publisher(place.amqp_url) as publisher:
            load = Load(publisher, lambda n: Outgoing(wire.JOBS, QUEUE, body, f"m-{n}"), per_second=60)
            async with load.going_on():
                await eventually(lambda: any(step.pid == frozen.pid for step in counting.steps("done")))

                frozen.freeze()
                begun = {step.message_id for step in counting.steps("begun") if step.pid == frozen.pid}
                done = {step.message_id for step in counting.steps("done") if step.pid == frozen.pid}
                # The publisher does not wait for the one that stands still, and neither does the other worker.
                await asyncio.sleep(FROZEN_SECONDS)
                frozen.wake()

                await load.confirms(100)
            everything = load.confirmed.keys()
            await eventually(lambda: counting.count("done").keys() == everything, within=WORK)
            await asyncio.gather(frozen.ready(), other.ready())
            assert await place.consumers(QUEUE) == 2

    in_work = begun - done
    assert in_work
    twice = {message_id for message_id, times in counting.count("done").items() if times > 1}
    # What stood still in the middle was perhaps taken over, and then went on all the same: nobody can prevent that.
    assert twice <= in_work
    assert max(counting.count("begun").values()) <= 2
