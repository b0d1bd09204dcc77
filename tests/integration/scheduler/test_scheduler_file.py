"""A file of schedules, read into a real database whenever it changes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postroom.testing import eventually
from postroom_scheduler.errors import BrokenSchedule
from postroom_scheduler.file import FileWatch
from postroom_scheduler.sql_schedules import SqlSchedules
from tests.support.scheduling import HandSetClock, schedule, scheduler_database


@pytest.fixture
async def schedules(database_url: str) -> AsyncIterator[SqlSchedules]:
    async with scheduler_database(database_url) as database:
        yield SqlSchedules(database)


@pytest.fixture
def clock() -> HandSetClock:
    return HandSetClock()


FILE = """
schedules:
  - name: first
    cron: "@daily"
    event: day.begun
  - name: second
    {second}
    event: day.begun
"""


async def test_a_file_is_read_again_when_it_changes_and_a_broken_entry_keeps_what_it_said(
    schedules: SqlSchedules, clock: HandSetClock, tmp_path: Path
) -> None:
    path = tmp_path / "schedules.yaml"
    path.write_text(FILE.format(second="every: 1h"))
    changes: list[int] = []
    watch = FileWatch(path, schedules, clock, lambda: changes.append(1))
    task = asyncio.create_task(watch.watch())

    async def says(expected: dict[str, str]) -> None:
        async def does() -> bool:
            return {each.name: each.definition.to_wire().get("every", "") for each in await schedules.all()} == expected

        await eventually(does)

    await says({"first": "", "second": "1h"})
    path.write_text(FILE.format(second="every: 2h"))
    await says({"first": "", "second": "2h"})
    path.write_text(FILE.format(second="every: soon").replace("first", "new"))
    watch.reload()
    await says({"new": "", "second": "2h"})  # first is gone, new is there, second is as it was
    for number, text in enumerate(("schedules: [", "", "\0\xff", "[]"), start=4):
        path.write_text(text)
        watch.reload()
        await eventually(lambda number=number: len(changes) >= number)  # type: ignore[misc]
    await says({"new": "", "second": "2h"})
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_broken_entry_is_named_with_its_line(
    schedules: SqlSchedules, clock: HandSetClock, tmp_path: Path
) -> None:
    path = tmp_path / "schedules.yaml"
    path.write_text(FILE.format(second='cron: "61 * * * *"'))
    problems = await FileWatch(path, schedules, clock, lambda: None).load()
    assert len(problems) == 1
    assert problems[0].startswith(f"{path}:7: second: cron: ")
    assert [each.name for each in await schedules.all()] == ["first"]


async def test_a_name_belongs_to_the_file_or_to_the_database(
    schedules: SqlSchedules, clock: HandSetClock, tmp_path: Path
) -> None:
    path = tmp_path / "schedules.yaml"
    path.write_text(FILE.format(second="every: 1h"))
    await schedules.put(schedule(name="second"), "ada", clock.now())
    watch = FileWatch(path, schedules, clock, lambda: None)
    assert await watch.load() == ["second: name: second is in the database; remove it there"]
    with pytest.raises(BrokenSchedule, match="first is in the schedules file; change it there"):
        await schedules.put(schedule(name="first"), "ada", clock.now())
    with pytest.raises(BrokenSchedule, match="first is in the schedules file"):
        await schedules.remove("first")


async def test_what_a_person_paused_stays_paused_when_the_file_is_read_again(
    schedules: SqlSchedules, clock: HandSetClock, tmp_path: Path
) -> None:
    path = tmp_path / "schedules.yaml"
    path.write_text(FILE.format(second="every: 1h"))
    watch = FileWatch(path, schedules, clock, lambda: None)
    await watch.load()
    await schedules.pause("second", "ada", clock.now())
    path.write_text(FILE.format(second="every: 2h"))
    await watch.load()
    assert (await schedules.one("second")).is_paused
