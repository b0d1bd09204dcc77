"""Schedules and ticks in a real database, fired by a clock that is set by hand."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from postroom import wire
from postroom.storage.database import Database
from postroom.testing import eventually
from postroom_scheduler.file import FileWatch
from postroom_scheduler.sql_schedules import SqlSchedules
from postroom_scheduler.sql_ticks import SqlTicks
from tests.support.patience import WORK
from tests.support.scheduling import (
    NOON,
    HandSetClock,
    Recorder,
    Running,
    nothing_left,
    schedule,
    settled,
)
from tests.support.statements import on_each_statement


@pytest.mark.parametrize(
    ("fields", "expected"),
    [({"catch_up": "skip"}, 0), ({"catch_up": "latest"}, 1), ({"catch_up": "all", "catch_up_limit": 5}, 5)],
)
async def test_after_a_day_of_downtime_what_catch_up_says_is_published(  # noqa: PLR0913 - fixtures
    database: Database,
    schedules: SqlSchedules,
    clock: HandSetClock,
    sender: Recorder,
    running: Running,
    fields: dict[str, Any],
    expected: int,
) -> None:
    await schedules.put(schedule(**fields), "test", clock.now())
    clock.time += timedelta(days=1, minutes=30)
    async with running():
        await nothing_left(database, clock)
        await settled(schedules, "test", expected)
    assert len(sender.of("thing.do")) == expected
    assert (await schedules.one("test")).next_at == NOON + timedelta(days=1, hours=1)


async def test_a_clock_that_is_set_back_and_forward_fires_no_tick_twice(
    database: Database, schedules: SqlSchedules, clock: HandSetClock, sender: Recorder, running: Running
) -> None:
    await schedules.put(schedule(cron="*/10 * * * *", catch_up="all"), "test", clock.now())
    async with running():
        for minutes in (10, 10, 10, 10, 10, 10, -60, 10, 10, 60, 60, -60, 70):
            clock.time += timedelta(minutes=minutes)
            await nothing_left(database, clock)
        await settled(schedules, "test", 15)
    fired = sender.times("thing.do")
    assert len(set(fired)) == len(fired) == 15  # every ten minutes to 14:30, the latest time that the clock has shown
    assert fired == sorted(fired)


async def test_where_jobs_must_not_overlap_a_tick_is_skipped_until_the_last_one_is_done_or_dead(
    database: Database, schedules: SqlSchedules, clock: HandSetClock, sender: Recorder, running: Running
) -> None:
    await schedules.put(schedule(overlap="skip"), "test", clock.now())
    ticks = SqlTicks(database)
    async with running():
        for count, ending in ((1, None), (2, "done"), (3, None), (4, "dead"), (5, None)):
            clock.time += timedelta(hours=1)
            await settled(schedules, "test", count)
            if ending:
                await ticks.record_end(sender.of("thing.do")[-1].message_id, ending, clock.now(), "why")
    states = [tick.state for tick in reversed(await schedules.history("test"))]
    assert states == ["done", "skipped", "dead", "skipped", "published"]
    assert len(sender.of("thing.do")) == 3


async def test_what_became_of_a_job_is_seen_however_many_ticks_were_skipped_meanwhile(
    database: Database, schedules: SqlSchedules, clock: HandSetClock, sender: Recorder, running: Running
) -> None:
    await schedules.put(schedule(overlap="skip", catch_up="all"), "test", clock.now())
    async with running():
        clock.time += timedelta(hours=1)
        await settled(schedules, "test", 1)
        clock.time += timedelta(hours=30)
        await settled(schedules, "test", 31)
        await SqlTicks(database).record_end(sender.of("thing.do")[0].message_id, "done", clock.now())
    states = [tick.state for tick in await schedules.history("test", at_most=20)]
    assert states == ["skipped"] * 20 + ["done"]


async def test_a_tick_says_which_one_it_is_and_is_told(
    schedules: SqlSchedules, clock: HandSetClock, sender: Recorder, running: Running
) -> None:
    body = {"until": "{{ fire_time }}", "from": "{{ last_fire_time }}"}
    await schedules.put(schedule(body=body, headers={"tenant": "a", "CC": "elsewhere"}), "test", clock.now())
    async with running():
        for count in (1, 2):
            clock.time += timedelta(hours=1)
            await settled(schedules, "test", count)
    first, second = sender.of("thing.do")
    assert (first.exchange, first.message_id) == (wire.JOBS, "test@2026-11-24T13:00:00Z")
    assert first.headers == {"tenant": "a", "x-schedule": "test", "x-fire-time": "2026-11-24T13:00:00Z"}
    assert orjson.loads(first.body) == {"until": "2026-11-24T13:00:00Z", "from": ""}
    assert orjson.loads(second.body) == {"until": "2026-11-24T14:00:00Z", "from": "2026-11-24T13:00:00Z"}
    assert [orjson.loads(each.body) for each in sender.of("schedule.fired")] == [
        {"schedule": "test", "fire_time": "2026-11-24T13:00:00Z"},
        {"schedule": "test", "fire_time": "2026-11-24T14:00:00Z"},
    ]


async def test_while_the_broker_is_away_ticks_wait_and_then_come_in_order_and_once(
    database: Database,
    schedules: SqlSchedules,
    clock: HandSetClock,
    sender: Recorder,
    running: Running,
    problems: dict[str, str],
) -> None:
    await schedules.put(schedule(cron="* * * * * *"), "test", clock.now())
    async with running():
        sender.is_away = True
        for _ in range(60):
            clock.time += timedelta(seconds=1)
            await asyncio.sleep(0.005)
        await eventually(lambda: bool(problems))
        assert problems == {"scheduler publish": "BrokerUnavailable: away"}
        sender.is_away = False
        await settled(schedules, "test", 60)
        await eventually(lambda: not problems)
    assert sender.times("thing.do") == [
        (NOON + timedelta(seconds=number)).isoformat().replace("+00:00", "Z") for number in range(1, 61)
    ]


async def test_two_schedulers_publish_each_tick_once(
    database: Database, schedules: SqlSchedules, clock: HandSetClock, sender: Recorder, running: Running
) -> None:
    for name in ("a", "b", "c"):
        await schedules.put(schedule(name=name, cron="* * * * * *"), "test", clock.now())
    async with running(2):
        for _ in range(40):
            clock.time += timedelta(seconds=1)
            await nothing_left(database, clock)
        for name in ("a", "b", "c"):
            await settled(schedules, name, 40)
    ids = [each.message_id for each in sender.of("thing.do")]
    assert len(ids) == len(set(ids)) == 120


async def test_a_paused_schedule_does_not_fire_and_goes_on_with_its_next_time(
    database: Database, schedules: SqlSchedules, clock: HandSetClock, sender: Recorder, running: Running
) -> None:
    await schedules.put(schedule(), "test", clock.now())
    await schedules.pause("test", "ada", clock.now())
    async with running():
        clock.time += timedelta(hours=5, minutes=30)
        await nothing_left(database, clock)
        await schedules.pause("test", "ada", clock.now(), is_paused=False)
        clock.time += timedelta(minutes=30)
        await settled(schedules, "test", 1)
    assert sender.times("thing.do") == ["2026-11-24T18:00:00Z"]


async def test_a_definition_that_cannot_be_read_stops_itself_only(
    database: Database, schedules: SqlSchedules, clock: HandSetClock, sender: Recorder, running: Running
) -> None:
    await schedules.put(schedule(name="good"), "test", clock.now())
    await schedules.put(schedule(name="bad"), "test", clock.now())
    spoiled = "UPDATE schedules SET definition = '{\"name\": \"bad\"}' WHERE name = 'bad'"
    await database.run(lambda connection: connection.exec_driver_sql(spoiled))
    async with running():
        clock.time += timedelta(hours=1)
        await settled(schedules, "good", 1)
    assert [each.message_id for each in sender.of("thing.do")] == ["good@2026-11-24T13:00:00Z"]


async def test_of_ten_thousand_schedules_each_fires_at_its_time_and_those_that_wait_cost_nothing(
    database: Database, schedules: SqlSchedules, clock: HandSetClock, sender: Recorder, running: Running, tmp_path: Path
) -> None:
    path = tmp_path / "schedules.yaml"
    entries = (
        f"  - {{name: s-{number}, every: 50s, start: {_start(number)}, job: thing.do}}\n" for number in range(10_000)
    )
    path.write_text("schedules:\n" + "".join(entries))
    assert await FileWatch(path, schedules, clock, lambda: None).load() == []
    changes: list[str] = []

    def note(statement: str, _rows: int) -> None:
        if not statement.startswith(("SELECT", "SET", "BEGIN")):
            changes.append(statement)

    on_each_statement(database, note)
    async with running():
        for second in range(1, 6):
            clock.time = NOON + timedelta(seconds=second)
            await nothing_left(database, clock)
            await eventually(lambda second=second: len(sender.of("thing.do")) == 1 + 200 * (second - 1), within=WORK)

    times = [datetime.fromisoformat(time) for time in sender.times("thing.do")]
    assert times == sorted(times)
    assert len(times) <= len(changes) <= 2 * len(times)  # one for each, the others for many at once


def _start(number: int) -> str:
    return (NOON + timedelta(seconds=1, milliseconds=5 * number)).isoformat()
