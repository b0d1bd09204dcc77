"""The table of heartbeats."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Text
from sqlmodel import Field, SQLModel

_TIME: Any = DateTime(timezone=True)


class HeartbeatRow(SQLModel, table=True):
    """The last heartbeat of one process on one topic. In the database, because an event reaches one replica of ours.

    Attributes:
        topic: `circuit` or `scheduler`.
        is_open: whether its circuit is open.
        since: when the circuit opened; of a scheduler, the time of its figures.
        late_seconds, due: a scheduler's figures: how late its oldest tick is, and how many are due.
        received_at: when it was received, by our clock.
    """

    __tablename__: ClassVar[str] = "heartbeats"

    topic: str = Field(primary_key=True, max_length=20)
    service: str = Field(primary_key=True, max_length=255)
    instance: str = Field(primary_key=True, max_length=255)
    is_open: bool = False
    since: datetime = Field(sa_type=_TIME)
    reason: str = Field(default="", sa_type=Text)
    late_seconds: float = 0
    due: int = 0
    received_at: datetime = Field(sa_type=_TIME)
