"""The scheduler's tables: schedules, and the ticks they owe. All times are UTC."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Index, Text
from sqlmodel import Field, SQLModel

from postroom.storage.retention import Retention

_TIME: Any = DateTime(timezone=True)


class ScheduleRow(SQLModel, table=True):
    """A schedule.

    Attributes:
        source: who owns it: `file`, `database`, or `job` for one far job, whose name is `job:` and its message id.
        definition: a `scheduler.set` message as JSON; a `scheduler.defer` for a far job.
        is_paused: by a person, at run time; a file that is read again does not change it.
        next_at: the next fire time; empty when there is none any more.
        last_at: the last fire time for which a tick was written.
    """

    __tablename__: ClassVar[str] = "schedules"
    __table_args__ = (Index("ix_schedules_next_at", "next_at"),)

    name: str = Field(primary_key=True, max_length=300)
    source: str = Field(max_length=10)
    definition: str = Field(sa_type=Text)
    is_paused: bool = False
    next_at: datetime | None = Field(default=None, sa_type=_TIME)
    last_at: datetime | None = Field(default=None, sa_type=_TIME)
    changed_at: datetime = Field(sa_type=_TIME)
    changed_by: str = Field(max_length=255)


class TickRow(SQLModel, table=True):
    """One fire time of one schedule, and what became of it. Written before its message is published.

    Attributes:
        due_at: the fire time and its jitter.
        state: due, published, done, dead (its job is a dead letter) or skipped (the job before was not done).
        kind, exchange, body, headers, message_id: what is published.
        claimed_until: a scheduler publishes it until then, by the wall clock.
    """

    __tablename__: ClassVar[str] = "ticks"
    __table_args__ = (Index("ix_ticks_state_due_at", "state", "due_at"), Index("ix_ticks_message_id", "message_id"))

    schedule: str = Field(primary_key=True, max_length=300)
    fire_time: datetime = Field(primary_key=True, sa_type=_TIME)
    due_at: datetime = Field(sa_type=_TIME)
    state: str = Field(max_length=10)
    exchange: str = Field(max_length=255)
    kind: str = Field(max_length=255)
    body: str = Field(sa_type=Text)
    headers: str = Field(sa_type=Text)
    message_id: str = Field(max_length=255)
    correlation_id: str | None = Field(default=None, max_length=255)
    app_id: str | None = Field(default=None, max_length=255)
    claimed_until: datetime | None = Field(default=None, sa_type=_TIME)
    published_at: datetime | None = Field(default=None, sa_type=_TIME)
    finished_at: datetime | None = Field(default=None, sa_type=_TIME)
    error: str | None = Field(default=None, max_length=1000)


RETENTION = (Retention("ticks", "ticks", "due_at", "state NOT IN ('due', 'published')"),)
