"""Which dead letters a command selects, and the outcome of a run over them."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from aio_pika.abc import AbstractConnection

from postroom.broker.plain_connection import depth_of
from postroom.operator.dead_letters.operator_name import operator_name
from postroom.operator.dead_letters.reading import QueuedDeadLetter
from postroom.operator.dead_letters.target import ReplayTarget


@dataclass(frozen=True, slots=True)
class Selection:
    """Which messages are selected: those that match all given fields; all messages when none is given.

    Attributes:
        ids: message ids, any of them.
        group: a cause, by its key.
        error_type: the name of the error, as it is written.
        error: a part of the error's text, in small or capital letters.
        kind: the wire name they were first published with.
        since, until: died at that moment or later; before it. A message without a time of death is not selected then.
        among: only among so many at the head of the queue; None for all that wait when a run begins.
    """

    ids: frozenset[str] = frozenset()
    group: str | None = None
    error_type: str | None = None
    error: str | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    among: int | None = None

    @property
    def is_all(self) -> bool:
        """Whether all messages of the queue are selected."""
        return replace(self, among=None) == EVERY

    def takes(self, found: QueuedDeadLetter) -> bool:
        """Whether `found` is selected."""
        letter = found.letter
        return (
            (not self.ids or found.id in self.ids)
            and (self.group is None or letter.cause.key == self.group)
            and (self.error_type is None or letter.error_type == self.error_type)
            and (self.error is None or self.error.casefold() in letter.error.casefold())
            and (self.kind is None or letter.kind == self.kind)
            and self._takes_time(letter.failed_at)
        )

    def _takes_time(self, died_at: datetime | None) -> bool:
        if died_at is None:
            return self.since is None and self.until is None
        return (self.since is None or died_at >= self.since) and (self.until is None or died_at < self.until)


EVERY = Selection()
"""All messages."""


@dataclass(slots=True)
class RunOutcome:
    """What a run over a queue did.

    Attributes:
        queue: the queue of dead letters.
        waiting: how many messages were in it when the run began; those that come later are behind them in the
            queue, and not touched.
        examined: how many of them were looked at.
        settled: how many were replayed, or discarded.
        not_selected: looked at and given back.
        died_again: given back because this run had replayed them already.
        refused: given back because nothing takes them, by reason.
        problem: why the run ended early, empty when it did not.
        is_stopped: whether it was asked to stop.
    """

    queue: str
    waiting: int = 0
    examined: int = 0
    settled: int = 0
    not_selected: int = 0
    died_again: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    problem: str = ""
    is_stopped: bool = False

    @classmethod
    async def begin(cls, connection: AbstractConnection, target: ReplayTarget, selection: Selection) -> Self:
        """The outcome of a run that begins now. Raises TopologyError when there is no such queue."""
        ready = await depth_of(connection, target.source)
        return cls(target.source, waiting=ready if selection.among is None else selection.among)

    def in_words(self, done: str) -> str:
        """Who did what and how it ended, for the log: the last line of a run."""
        then = f", then: {self.problem}" if self.problem else ", then stopped" if self.is_stopped else ""
        return f"{operator_name()} {done} {self.settled} of {self.waiting} messages of {self.queue}{then}"

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self) | {"refused": dict(self.refused)}


@dataclass(frozen=True, slots=True)
class RunControl:
    """How the caller follows a run (`progressed`), and ends it between two messages (`stop`)."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    progressed: Callable[[RunOutcome], None] = lambda _outcome: None


def is_meant(found: QueuedDeadLetter, selection: Selection, outcome: RunOutcome) -> bool:
    """Whether to settle `found`; counts it in `outcome` either way."""
    outcome.examined += 1
    is_taken = selection.takes(found)
    outcome.not_selected += not is_taken
    return is_taken
