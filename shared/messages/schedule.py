"""What the scheduler tells."""

from datetime import datetime
from typing import ClassVar

from shared.messages.base import Event


class ScheduleFired(Event):
    """A schedule's time came."""

    kind: ClassVar[str] = "schedule.fired"

    schedule: str
    fire_time: datetime
