"""What Postroom itself says happened to a message."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.messages.base import Event


class Measured(BaseModel):
    """So many tries (`count`) ended so, and took at most so many milliseconds."""

    model_config = ConfigDict(extra="allow", frozen=True)

    outcome: Literal["done", "retried", "dead"]
    milliseconds: float = Field(ge=0)
    count: int = Field(ge=1, le=1_000_000_000)


class JobFailed(Event):
    """A message became a dead letter; `queue` + `.dead` holds it."""

    kind: ClassVar[str] = "job.failed"

    queue: str
    job_id: str | None
    error_type: str
    error: str
    attempts: int
    replays: int
    failed_at: datetime


class JobMeasured(Event):
    """How the tries of one queue's messages went in one process, in the `seconds` before `at`.

    A statistic, not a ledger: what a process counted since it told last is lost when it is killed.

    Attributes:
        outcomes: how often tries ended so (done, retried, dead) and took at most so many milliseconds.
    """

    kind: ClassVar[str] = "job.measured"

    service: str = Field(max_length=255)
    queue: str = Field(max_length=255)
    at: AwareDatetime
    seconds: float = Field(ge=0)
    outcomes: list[Measured]


class JobCompleted(Event):
    """A message was done of which that was asked: a scheduler's job, or one that had been dead (`replays` > 0)."""

    kind: ClassVar[str] = "job.completed"

    queue: str
    job_id: str
    attempts: int
    replays: int = 0
    completed_at: datetime


class DeadLetterDiscarded(Event):
    """A person deleted dead letters for good; told before they are gone.

    Attributes:
        queue: where they died, without `.dead`.
        by: who, as `name@host`. `at`: when. `reason`: as the person gave it.
    """

    kind: ClassVar[str] = "dead-letter.discarded"

    queue: str = Field(max_length=255)
    message_ids: list[str] = Field(max_length=500)
    by: str = Field(max_length=255)
    at: AwareDatetime
    reason: str


class CircuitOpened(Event):
    """A process took its provider to be away and stopped trying. Told again each minute while that lasts.

    Attributes:
        instance: the process, among those of the service.
        reason: what the provider answered, or that it did not. `since`: when that began.
    """

    kind: ClassVar[str] = "circuit.opened"

    service: str = Field(max_length=255)
    instance: str = Field(max_length=255)
    reason: str
    since: AwareDatetime


class CircuitClosed(Event):
    """The process found its provider back, and goes on with all it held."""

    kind: ClassVar[str] = "circuit.closed"

    service: str = Field(max_length=255)
    instance: str = Field(max_length=255)
    since: AwareDatetime
    at: AwareDatetime
