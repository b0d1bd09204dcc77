"""What the service answers to the command line. It answers with JSON, from the scheduler's database.

`list`, `show NAME`, `next COUNT NAME`, `run NAME`, `pause NAME`, `resume NAME`, `set` (a `scheduler.set` message on
standard input), `remove NAME`, `move NAME MOMENT`, `check FILE`.
"""

import asyncio
import getpass
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from postroom.runtime.answering import own_database
from postroom.wire.messages import SetSchedule
from postroom_scheduler.errors import BrokenSchedule
from postroom_scheduler.file import read_file
from postroom_scheduler.reading import described, described_tick, upcoming
from postroom_scheduler.service import service
from postroom_scheduler.sql_schedules import SqlSchedules, moment_of
from postroom_scheduler.timing import make_timing

MOST_UPCOMING = 1000


def answer(arguments: Sequence[str], given: bytes) -> Any:
    """Do what the arguments say."""
    match arguments:
        case "check", file:
            return _check(Path(file))
    return asyncio.run(_with_database(arguments, given))


def _check(path: Path) -> Any:
    found = read_file(path, datetime.now(UTC))
    now = datetime.now(UTC)
    fine = [
        {"name": each.name, "next": next(upcoming(each, now), None), "paused": each.paused} for each in found.schedules
    ]
    return {"schedules": fine, "problems": found.problems}


async def _with_database(arguments: Sequence[str], given: bytes) -> Any:
    async with own_database(service) as database:
        return await _answer(SqlSchedules(database), given, *arguments)


async def _answer(schedules: SqlSchedules, stdin: bytes, command: str = "", *given: str) -> Any:
    now = datetime.now(UTC)
    match command, given:
        case "list", ():
            return [described(each) for each in await schedules.all()]
        case "show", (name,):
            ticks = await schedules.history(name)
            return described(await schedules.one(name)) | {"ticks": [described_tick(tick) for tick in ticks]}
        case "next", (count, name):
            return await _next(schedules, int(count), name, now)
        case "set", ():
            schedule = SetSchedule.model_validate_json(stdin)
            await schedules.put(schedule, _user(), now)
            return {"name": schedule.name, "next": make_timing(schedule).next_after(now)}
    if command in {"run", "pause", "resume", "remove", "move"} and given:
        return await _change(schedules, command, given[0], given[1:], now)
    return {"error": f"use: {' '.join((__doc__ or '').split('`')[3:-1:2])}"}


async def _next(schedules: SqlSchedules, count: int, name: str, now: datetime) -> list[datetime]:
    seen = await schedules.one(name)
    if isinstance(seen.definition, SetSchedule):
        return list(islice(upcoming(seen.definition, now), min(count, MOST_UPCOMING)))
    return [seen.next_at] if seen.next_at else []


async def _change(
    schedules: SqlSchedules, command: str, name: str, rest: tuple[str, ...], now: datetime
) -> dict[str, Any]:
    changes: dict[str, Callable[[], Awaitable[object]]] = {
        "run": lambda: schedules.run_now(name, now),
        "pause": lambda: schedules.pause(name, _user(), now),
        "resume": lambda: schedules.pause(name, _user(), now, is_paused=False),
        "remove": lambda: schedules.remove(name),
        "move": lambda: schedules.move(name, _moment(rest), _user(), now),
    }
    result = await changes[command]()
    return {"name": name, **({"message_id": result} if command == "run" else {})}


def _moment(rest: tuple[str, ...]) -> datetime:
    if len(rest) != 1:
        raise BrokenSchedule("move NAME MOMENT")
    return moment_of(rest[0])


def _user() -> str:
    try:
        return f"{getpass.getuser()} (postroom schedules)"
    except (OSError, KeyError):
        return "postroom schedules"
