"""What is remembered of an event, and the port behind which it is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from postroom.wire.messages import JobMeasured, JobRecorded

DIED, REPLAYED, DISCARDED = "died", "replayed", "discarded"
"""What may become of a dead letter."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """An event as it may be kept; the fields are those of models.EventRow."""

    kind: str
    at: datetime
    message_id: str | None
    correlation_id: str | None
    app_id: str | None
    body: str


@dataclass(frozen=True, slots=True)
class DeadLetterEvent:
    """What happened to a dead letter; the fields are those of models.DeadLetterEventRow."""

    message_id: str
    queue: str
    told_by: str
    at: datetime
    what: str
    who: str | None = None
    kind: str | None = None
    replays: int | None = None
    reason: str | None = None
    was: str | None = None


class EventLog(Protocol):
    """The log of all events: the port. What is recorded twice is stored once."""

    async def record(self, event: AuditEvent) -> None:
        """Store an event. The second with the same kind and message id changes nothing.

        Raises ProviderUnavailable when the store takes nothing for a while.
        """
        ...

    async def record_measurement(self, measured: JobMeasured) -> None:
        """Store figures of jobs, once for each message id. Raises ProviderUnavailable like `record`."""
        ...

    async def record_tries(self, recorded: JobRecorded) -> None:
        """Store tries of jobs, each once for its id. Raises ProviderUnavailable like `record`."""
        ...

    async def record_letters(self, letters: Sequence[DeadLetterEvent]) -> None:
        """Store what happened to dead letters, once for each event that says so. Raises ProviderUnavailable."""
        ...
