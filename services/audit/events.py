"""What is remembered of an event, and the port behind which it is stored."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.messages import JobMeasured


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it may be kept; the fields are those of models.EventRow."""

    kind: str
    at: datetime
    message_id: str | None
    correlation_id: str | None
    app_id: str | None
    body: str


class EventLog(Protocol):
    """Everything that happened. What is recorded twice stands there once."""

    async def record(self, event: Event) -> None:
        """Store an event. The second with the same kind and message id changes nothing.

        Raises ProviderUnavailable when the store takes nothing for a while.
        """
        ...

    async def record_measurement(self, measured: JobMeasured) -> None:
        """Store figures of jobs, once for each message id. Raises ProviderUnavailable like `record`."""
        ...
