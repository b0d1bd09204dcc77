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
    """A job of a kind that asks for this event was done."""

    kind: ClassVar[str] = "job.completed"

    queue: str
    job_id: str
    attempts: int
    completed_at: datetime
