"""What Postroom itself says happened to a message."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from postroom.wire.messages.base import Event


class Measured(BaseModel):
    """So many tries (`count`) ended so, and took at most so many milliseconds."""

    model_config = ConfigDict(extra="allow", frozen=True)

    outcome: Literal["done", "retried", "dead"]
    milliseconds: float = Field(ge=0)
    count: int = Field(ge=1, le=1_000_000_000)


class JobFailed(Event):
    """A message became a dead letter; `queue` + `.dead` holds it.

    Attributes:
        job_kind: the wire name it was first published with.
    """

    kind: ClassVar[str] = "job.failed"

    queue: str
    job_id: str | None
    job_kind: str | None = None
    error_type: str
    error: str
    attempts: int
    replays: int
    failed_at: datetime


class JobMeasured(Event):
    """How the tries of one queue's messages went in one process, in the `seconds` before `at`.

    A statistic: what a process counted since it last published is lost when it is killed.

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


class Recipient(BaseModel):
    """Whom a message was for: `masked` for people to read, `digest` to be searched by."""

    model_config = ConfigDict(extra="allow", frozen=True)

    masked: str = Field(max_length=320)
    digest: str = Field(max_length=64)


class RecordedTry(BaseModel):
    """One try of one message, as it may be kept: addresses, numbers and secrets are masked.

    Attributes:
        id: of this try alone; what is recorded twice under one id is one try.
        at: when it ended. `milliseconds`: how long it took.
        kind: the wire name it was first published with.
        published_at: by the publisher's clock, where it said so.
        next_at: when it is tried again, of a `retried` one.
        place: where in the code it failed, `postroom_email.mailer.smtp.deliver`.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    id: str = Field(max_length=64)
    at: AwareDatetime
    queue: str = Field(max_length=255)
    kind: str = Field(max_length=255)
    message_id: str = Field(max_length=512)
    correlation_id: str | None = Field(default=None, max_length=255)
    app_id: str | None = Field(default=None, max_length=255)
    published_at: AwareDatetime | None = None
    attempt: int = Field(ge=0)
    attempts: int | None = Field(default=None, ge=0)
    replays: int = Field(default=0, ge=0)
    outcome: Literal["done", "retried", "dead"]
    error_type: str | None = Field(default=None, max_length=255)
    error: str | None = None
    place: str | None = Field(default=None, max_length=255)
    milliseconds: float = Field(ge=0)
    next_at: AwareDatetime | None = None
    recipients: list[Recipient] = Field(default_factory=list)


class JobRecorded(Event):
    """How tries of a service's messages ended, for the history: those that their kinds ask to be kept.

    Published in batches after the tries were recorded, apart from the work; what was not published is published later.
    """

    kind: ClassVar[str] = "job.recorded"

    service: str = Field(max_length=255)
    tries: list[RecordedTry] = Field(min_length=1, max_length=500)
