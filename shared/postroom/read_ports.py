"""What other parts may read of a service's data without knowing the service: its read ports, by name.

A service offers one by declaring it (`read_ports` of postroom.service.Service); it is found by
`postroom.installation`. Each raises NoDatabase where the service never ran here, ConfigurationError where its database
cannot be read, and changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, Literal, Protocol, TypeVar

Function = TypeVar("Function")


@dataclass(frozen=True)
class ReadPort(Generic[Function]):
    """A read port. `name`: under which services declare it."""

    name: str


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """Something that is wrong and not over: a group of failures of one cause, or a condition of the installation.

    Attributes:
        key: what `postroom alerts` takes.
        name, what: queue and error type of failures; subject and kind of a condition.
        text: the newest error, masked, or what is wrong. place: where in the code. advice: of a condition, what to do.
        total: deaths since `first_at`. unsettled: messages that are dead of it still, some of them `message_ids`.
        last_hour, hour_before: deaths in the last hour, and in the one before.
        came_back: whether it was over before.
    """

    key: str
    about: Literal["failures", "condition"]
    name: str
    what: str
    state: Literal["open", "muted"]
    severity: str
    text: str
    place: str
    advice: str
    first_at: datetime
    opened_at: datetime
    last_at: datetime
    total: int
    unsettled: int
    last_hour: int
    hour_before: int
    came_back: bool
    message_ids: Sequence[str]


class OpenIncidents(Protocol):
    """What is open, the newest first."""

    async def __call__(self) -> Sequence[OpenIncident]:
        """Ask."""
        ...


OPEN_INCIDENTS: Final = ReadPort[OpenIncidents]("open-incidents")


class IgnoredQueues(Protocol):
    """Queues that are nobody's business here, as patterns: `shop.*`. Asks no database."""

    def __call__(self) -> tuple[str, ...]:
        """Ask."""
        ...


IGNORED_QUEUES: Final = ReadPort[IgnoredQueues]("ignored-queues")


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened to a message.

    Attributes:
        at: when; None where nobody can tell. after_seconds: since the entry before.
        what: in words. queue: where.
        milliseconds: how long a try took. next_at: when it is tried again.
        error: what it died of, masked. place: where in the code.
        was: JSON of the masked body, before a person changed it.
    """

    at: datetime | None
    what: str
    queue: str | None = None
    after_seconds: float | None = None
    milliseconds: float | None = None
    error: str | None = None
    place: str | None = None
    next_at: datetime | None = None
    was: str | None = None


class Timeline(Protocol):
    """What happened to the message with this id, the oldest first; empty where nothing is recorded."""

    async def __call__(self, message_id: str) -> Sequence[TimelineEntry]:
        """Ask."""
        ...


TIMELINE: Final = ReadPort[Timeline]("timeline")
