"""What is remembered of dead letters, and the port behind which it is stored."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from postroom.wire.causes import Cause


@dataclass(frozen=True, slots=True)
class Failure:
    """One death of one message, as it may be kept: addresses, numbers and secrets are masked.

    Attributes:
        id: the same for every copy of this death, different for each death.
        queue: where it died; `unrouted` for a job that no queue takes.
        message_id: as `postroom dead` names the message.
        death: what tells this death from others of the message.
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
class Settlement:
    """The end of a dead message.

    Attributes:
        replays: how often it had been replayed when it was done, or published again where no queue had taken it; 0 for
            one that was discarded.
        discarded_at: None for the others.
    """

    queue: str
    message_id: str
    replays: int = 0
    discarded_at: datetime | None = None


class FailureLog(Protocol):
    """Every dead letter, by message and by cause. Recording and settling may come in any order."""

    async def record(self, failure: Failure) -> bool:
        """Store one death. False when it is stored already: nothing changes then.

        A death in a group that was resolved opens it again; not so a death that was settled before it was recorded.
        """
        ...

    async def settle(self, settlement: Settlement) -> bool:
        """A dead message has come to an end. Whether that resolved its group: none of the group's is left dead."""
        ...
