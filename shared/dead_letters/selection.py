"""Which dead letters a command is about, and what became of them."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from shared.dead_letters.reading import Found


@dataclass(frozen=True, slots=True)
class Selection:
    """Messages by id, by cause (the group's key), or, with neither, all."""

    ids: frozenset[str] = frozenset()
    group: str | None = None

    def takes(self, found: Found) -> bool:
        """Whether `found` is meant. With both, it must have one of the ids and the cause."""
        if self.ids and found.id not in self.ids:
            return False
        return self.group is None or found.letter.cause.key == self.group


@dataclass(slots=True)
class Outcome:
    """What a run over a queue did.

    Attributes:
        queue: the queue of dead letters.
        waiting: how many messages were in it when the run began; those that come later are not touched.
        examined: how many of them were looked at.
        settled: how many were replayed, or discarded.
        not_selected: looked at and given back.
        newer: given back because they died after the run began.
        refused: given back because nothing takes them, by reason.
        problem: why the run ended early, empty when it did not.
        is_stopped: whether it was asked to stop.
    """

    queue: str
    waiting: int = 0
    examined: int = 0
    settled: int = 0
    not_selected: int = 0
    newer: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    problem: str = ""
    is_stopped: bool = False

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self) | {"refused": dict(self.refused)}


@dataclass(frozen=True, slots=True)
class Watch:
    """How the caller follows a run, and ends it between two messages."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    progressed: Callable[[Outcome], None] = lambda _outcome: None


def is_meant(found: Found, selection: Selection, began: datetime, outcome: Outcome) -> bool:
    """Whether to settle `found`; counts it in `outcome` either way."""
    outcome.examined += 1
    if not selection.takes(found):
        outcome.not_selected += 1
        return False
    died_at = found.letter.failed_at
    if died_at is not None and died_at > began:
        outcome.newer += 1
        return False
    return True
