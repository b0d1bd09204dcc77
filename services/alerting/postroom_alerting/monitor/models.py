"""The table of what processes have told of themselves."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Text
from sqlmodel import Field, SQLModel

_TIME: Any = DateTime(timezone=True)


class HeardRow(SQLModel, table=True):
    """The last that one process told of one thing. In the database, because each event reaches one process of ours.

    Attributes:
        topic: what it told of: `circuit` or `scheduler`.
        is_open: its circuit. `since`: when that opened; of a scheduler, the time of its figures.
        late_seconds, due: a scheduler's figures.
        heard_at: by our clock.
    """

    __tablename__: ClassVar[str] = "heard"

    topic: str = Field(primary_key=True, max_length=20)
    service: str = Field(primary_key=True, max_length=255)
    instance: str = Field(primary_key=True, max_length=255)
    is_open: bool = False
    since: datetime = Field(sa_type=_TIME)
    reason: str = Field(default="", sa_type=Text)
    late_seconds: float = 0
    due: int = 0
    heard_at: datetime = Field(sa_type=_TIME)
