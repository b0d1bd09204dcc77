"""Failures: what is recorded of dead letters, and the port that records them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from postroom.wire.causes import Cause


@dataclass(frozen=True, slots=True)
class RecordedFailure:
    """One death of one message. Addresses, numbers and secrets in it are masked.

    Attributes:
        id: the same for every copy of this dead letter, another for each death of the message.
        queue: where it died; `unrouted` for a job that no queue takes.
        message_id: the id that `postroom dead` shows.
        death: distinguishes this death from the message's other deaths.
    """

    id: str
    queue: str
    kind: str
    message_id: str
    cause: Cause
    error: str
    payload: str
    failed_at: datetime
    death: str
    attempts: int
    replays: int


@dataclass(frozen=True, slots=True)
class FailureSettlement:
    """The end of a dead message: done after a replay, or discarded.

    Attributes:
        replays: how often the message had been replayed when it was done (in `unrouted`: when it was replayed); 0 when
            it was discarded.
        discarded_at: None when it was not discarded.
    """

    queue: str
    message_id: str
    replays: int = 0
    discarded_at: datetime | None = None


class FailureLog(Protocol):
    """Records deaths and settlements of messages, which may arrive in any order."""

    async def record(self, failure: RecordedFailure) -> bool:
        """Store one death. False when it was already stored; then nothing changes.

        A death opens its group's incident, unless it was settled before it was recorded.
        """
        ...

    async def settle(self, settlement: FailureSettlement) -> bool:
        """Settle a dead message. Returns whether the incident was resolved by it: no message of its group is dead."""
        ...
