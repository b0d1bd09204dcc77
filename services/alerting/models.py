"""The alerting service's tables."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Index, Text
from sqlmodel import Field, SQLModel

from shared.retention import Retention

_TIME: Any = DateTime(timezone=True)


class FailureRow(SQLModel, table=True):
    """A message that died in a queue, once or several times. All but its id is masked."""

    __tablename__: ClassVar[str] = "failures"
    __table_args__ = (Index("ix_failures_cause_last_at", "cause", "last_at"),)

    queue: str = Field(primary_key=True, max_length=255)
    message_id: str = Field(primary_key=True, max_length=255)
    kind: str = Field(max_length=255)
    cause: str = Field(max_length=16)
    error_type: str = Field(max_length=255)
    error: str = Field(sa_type=Text)
    payload: str = Field(sa_type=Text)
    first_at: datetime = Field(sa_type=_TIME)
    last_at: datetime = Field(sa_type=_TIME)
    last_death: str = Field(max_length=512)
    count: int = 1
    attempts: int
    replays: int


class FailureGroupRow(SQLModel, table=True):
    """A cause: everything that died in one queue of one error."""

    __tablename__: ClassVar[str] = "failure_groups"

    cause: str = Field(primary_key=True, max_length=16)
    queue: str = Field(max_length=255)
    error_type: str = Field(max_length=255)
    folded_error: str = Field(sa_type=Text)
    error: str = Field(sa_type=Text)
    first_at: datetime = Field(sa_type=_TIME)
    last_at: datetime = Field(sa_type=_TIME)
    count: int = 1
    notified_at: datetime | None = Field(default=None, sa_type=_TIME)


class FailureNoticeRow(SQLModel, table=True):
    """What one channel has been told of a cause. A claim that has run out is free again."""

    __tablename__: ClassVar[str] = "failure_notices"
    __table_args__ = (Index("ix_failure_notices_channel", "channel"),)

    cause: str = Field(primary_key=True, max_length=16)
    channel: str = Field(primary_key=True, max_length=64)
    told_count: int
    told_at: datetime | None = Field(default=None, sa_type=_TIME)
    tries: int = 0
    held_by: str | None = Field(default=None, max_length=36)
    held_until: datetime | None = Field(default=None, sa_type=_TIME)


RETENTION = (Retention("failures", "failures", "last_at"),)
