"""The schedules file: read, checked entry by entry, and read again when it changes.

A broken entry is named with its line and leaves the others, and its own earlier version, as they are.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from postroom.wire.messages import SetSchedule, describe_problems
from postroom_scheduler.errors import BrokenSchedule
from postroom_scheduler.scheduler import Clock
from postroom_scheduler.sql_schedules import SqlSchedules, check_schedule

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 2.0
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, where it is, is several times as fast
_FIELDS = frozenset(SetSchedule.model_fields)


@dataclass(frozen=True, slots=True)
class SchedulesFile:
    """The content of a schedules file.

    Attributes:
        schedules: the entries that can be used.
        broken: the names of those that cannot, as far as they have one.
        problems: what is wrong, each with its line.
        is_readable: whether it is a schedules file at all.
    """

    schedules: list[SetSchedule] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    is_readable: bool = True


def read_file(path: Path, now: datetime) -> SchedulesFile:
    """Read and check a schedules file. Never raises for its content."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=_Loader)
    except (OSError, UnicodeDecodeError) as error:
        return SchedulesFile(problems=[f"{path}: cannot be read: {error}"], is_readable=False)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        return SchedulesFile(problems=[f"{path}{line}: no YAML: {problem}"], is_readable=False)
    entries = _entries(root)
    if entries is None:  # also for an empty file: somebody may be about to write it
        what = f"{path}:1: write `schedules:` and below it a list, each entry with its name; `schedules: []` for none"
        return SchedulesFile(problems=[what], is_readable=False)
    found, loader = SchedulesFile(), _Loader("")
    lines: dict[str, list[int]] = {}
    for entry in entries:
        if (schedule := _read_entry(found, path, entry, loader, now)) is not None:
            lines.setdefault(schedule.name, []).append(entry.start_mark.line + 1)
            found.schedules.append(schedule)
    loader.dispose()
    for name in [name for name, of_name in lines.items() if len(of_name) > 1]:
        where = ", ".join(map(str, lines[name]))
        found.problems.append(f"{path}:{lines[name][1]}: {name}: stands there more than once, in lines {where}")
        found.broken.add(name)
    found.schedules[:] = [schedule for schedule in found.schedules if schedule.name not in found.broken]
    return found


def _entries(root: yaml.Node | None) -> list[yaml.Node] | None:
    if not isinstance(root, yaml.MappingNode):
        return None
    for key, value in root.value:
        if key.value == "schedules":
            if isinstance(value, yaml.SequenceNode):
                return list(value.value)
            return [] if value.tag == "tag:yaml.org,2002:null" else None
    return None


def _read_entry(found: SchedulesFile, path: Path, node: yaml.Node, loader: Any, now: datetime) -> SetSchedule | None:
    fields: Any = None
    try:
        fields = loader.construct_document(node)
        return _checked(fields, now)
    except (ValidationError, BrokenSchedule, yaml.YAMLError, ValueError) as error:
        reason = describe_problems(error) if isinstance(error, ValidationError) else str(error)
        name = fields.get("name") if isinstance(fields, dict) else None
        line = _lines(node).get(reason.partition(":")[0].partition(".")[0], node.start_mark.line + 1)
        found.problems.append(f"{path}:{line}: {f'{name}: ' if name else ''}{reason}")
        found.broken.update([name] if isinstance(name, str) else [])
        return None


def _checked(fields: Any, now: datetime) -> SetSchedule:
    if not isinstance(fields, dict):
        raise BrokenSchedule("an entry is a mapping that begins with `name:`")
    unknown = [str(name) for name in fields if name not in _FIELDS]
    if unknown:
        raise BrokenSchedule(f"{unknown[0]}: there is no such field; there are {', '.join(sorted(_FIELDS))}")
    schedule = SetSchedule.model_validate(fields)
    check_schedule(schedule, now)
    return schedule


def _lines(node: yaml.Node) -> dict[str, int]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {str(key.value): key.start_mark.line + 1 for key, _value in node.value}


class FileWatch:
    """Keeps the database at what the file says.

    Args:
        path: the file.
        changed: called after each change.
        problems: what is wrong with the file is written here, under `schedules file`.
    """

    def __init__(self, path: Path, schedules: SqlSchedules, clock: Clock, changed: Callable[[], None]) -> None:
        self._path = path
        self._schedules = schedules
        self._clock = clock
        self._changed = changed
        self._seen: tuple[int, int] | None = None
        self._again = asyncio.Event()

    def reload(self) -> None:
        """Read the file again at once, changed or not."""
        self._seen = None
        self._again.set()

    async def load(self) -> list[str]:
        """Read the file and bring the database to it. Returns what is wrong with the file."""
        self._seen = _version(self._path)
        found = await asyncio.to_thread(read_file, self._path, self._clock.now())
        problems = list(found.problems)
        if found.is_readable:
            by, now = f"file {self._path.name}", self._clock.now()
            problems += await self._schedules.take_over(found.schedules, found.broken, by, now)
        for problem in problems:
            log.warning("Schedules file: %s", problem)
        log.info("Schedules file %s: %d schedules, %d problems", self._path, len(found.schedules), len(problems))
        self._changed()
        return problems

    async def watch(self) -> None:
        """Load whenever the file has changed, until cancelled."""
        while True:
            self._again.clear()
            try:
                if _version(self._path) != self._seen:
                    await self.load()
            except (SQLAlchemyError, OSError) as error:
                self._seen = None
                log.warning("The schedules file waits for the database: %s", type(error).__name__)
            try:
                async with asyncio.timeout(LOOK_EVERY_SECONDS):
                    await self._again.wait()
            except TimeoutError:
                continue


def _version(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return status.st_mtime_ns, status.st_size
