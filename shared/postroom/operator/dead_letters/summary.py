"""The messages of a queue of dead letters, grouped by cause."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from aio_pika.abc import AbstractConnection

from postroom.broker.plain_connection import depth_of
from postroom.operator.dead_letters.reading import QueuedDeadLetter, read_letters
from postroom.operator.dead_letters.selection import EVERY, Selection
from postroom.operator.dead_letters.target import ReplayTarget
from postroom.wire.causes import Cause

_SAMPLES = 3


@dataclass(slots=True)
class Group:
    """The messages of a queue that died of one cause. `oldest` and `newest` are times of death."""

    cause: Cause
    count: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    sample_ids: list[str] = field(default_factory=list)

    def add(self, found: QueuedDeadLetter) -> None:
        """Count one more."""
        self.count += 1
        if len(self.sample_ids) < _SAMPLES:
            self.sample_ids.append(found.id)
        if (died_at := found.letter.failed_at) is not None:
            self.oldest = min(self.oldest or died_at, died_at)
            self.newest = max(self.newest or died_at, died_at)


@dataclass(slots=True)
class QueueSummary:
    """One queue of dead letters: how many wait, how many were read, and what they died of, most first."""

    queue: str
    waiting: int
    examined: int = 0
    groups: list[Group] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        groups = [
            {
                "group": group.cause.key,
                "error_type": group.cause.error_type,
                "error": group.cause.error,
                "place": group.cause.place,
                "count": group.count,
                "oldest": group.oldest,
                "newest": group.newest,
                "sample_ids": group.sample_ids,
            }
            for group in self.groups
        ]
        return asdict(self) | {"groups": groups}


async def summarize(
    connection: AbstractConnection, target: ReplayTarget, limit: int, selection: Selection = EVERY
) -> QueueSummary:
    """Read at most `limit` messages of `target.source`, group those selected by cause, and give them back."""
    summary = QueueSummary(target.source, await depth_of(connection, target.source))
    groups: dict[str, Group] = {}
    async for found in read_letters(connection, target, limit):
        summary.examined += 1
        if not selection.takes(found):
            continue
        cause = found.letter.cause
        groups.setdefault(cause.key, Group(cause)).add(found)
    summary.groups = sorted(groups.values(), key=lambda group: -group.count)
    return summary
