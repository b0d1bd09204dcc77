"""What Postroom itself says happened to a message."""

from datetime import datetime
from typing import ClassVar

from shared.messages.base import Event


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


class JobCompleted(Event):
    """A job of a kind that asks for this event was done."""

    kind: ClassVar[str] = "job.completed"

    queue: str
    job_id: str
    attempts: int
    completed_at: datetime
