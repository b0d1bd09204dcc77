"""Jobs that are far away wait in the database, and are published as they were."""

from datetime import timedelta

import orjson
import pytest

from postroom.storage.database import Database
from postroom.testing import eventually
from postroom.wire.messages import DeferJob
from postroom_scheduler.errors import UnknownSchedule
from postroom_scheduler.sql_schedules import SqlSchedules
from tests.support.scheduling import NOON, HandSetClock, Recorder, Running, nothing_left, schedule, settled


async def test_on_call_nothing_fires_but_what_is_run_and_far_jobs(
    database: Database, schedules: SqlSchedules, clock: HandSetClock, sender: Recorder, running: Running
) -> None:
    await schedules.put(schedule(), "test", clock.now())
    await schedules.defer(DeferJob(at=NOON + timedelta(hours=2), job="far.do", job_id="far-1", body={}), clock.now())
    async with running(is_on_call=True):
        clock.time += timedelta(hours=3)
        await eventually(lambda: len(sender.of("far.do")) == 1)
        assert sender.of("thing.do") == []
        message_id = await schedules.run_now("test", clock.now())
        await eventually(lambda: [each.message_id for each in sender.of("thing.do")] == [message_id])


async def test_a_far_job_waits_is_moved_and_published_as_it_was(
    database: Database, schedules: SqlSchedules, clock: HandSetClock, sender: Recorder, running: Running
) -> None:
    job = DeferJob(
        at=NOON + timedelta(days=20),
        job="far.do",
        job_id="far-1",
        body={"a": 1},
        headers={"attempts": 2, "CC": ["elsewhere"], "x-death": []},
        app_id="shop",
    )
    await schedules.defer(job, clock.now())
    await schedules.defer(job.model_copy(update={"body": {"a": 2}}), clock.now())  # the same one again
    await schedules.move("far-1", NOON + timedelta(days=30), "ada", clock.now())
    seen = await schedules.one("far-1")
    assert (seen.name, seen.next_at, seen.changed_by) == ("job:far-1", NOON + timedelta(days=30), "ada")
    async with running():
        clock.time += timedelta(days=25)
        await nothing_left(database, clock)
        assert sender.sent == []
        clock.time += timedelta(days=6)
        await settled(schedules, "job:far-1", 1)
    (published,) = sender.sent  # a far job is no tick of a schedule: nothing is told of it
    assert (published.routing_key, published.message_id, published.headers) == ("far.do", "far-1", {"attempts": 2})
    assert (orjson.loads(published.body), published.app_id) == ({"a": 1}, "shop")
    with pytest.raises(UnknownSchedule):
        await schedules.move("far-1", NOON, "ada", clock.now() + timedelta(days=99)) or await schedules.one("moon")


async def test_a_far_job_that_is_taken_back_is_never_published(
    database: Database, schedules: SqlSchedules, clock: HandSetClock, sender: Recorder, running: Running
) -> None:
    await schedules.defer(DeferJob(at=NOON + timedelta(days=20), job="far.do", job_id="far-1", body={}), clock.now())
    await schedules.remove("far-1")
    async with running():
        clock.time += timedelta(days=25)
        await nothing_left(database, clock)
    assert sender.sent == []
