"""The audit service's tables. Reports read them, so a column may be added and never changes its meaning.

All times are UTC. SQLite keeps them as text without a zone, `2026-11-24 02:10:00.000000`, which sorts as they do.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Index, Integer, Text
from sqlmodel import Field, SQLModel

from shared.retention import Retention

_TIME: Any = DateTime(timezone=True)
_NUMBER: Any = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up an INTEGER only


class EventRow(SQLModel, table=True):
    """An event that was published. Measurements (`job.measured`) stand in a table of their own.

    Attributes:
        kind: the routing key it was published with.
        at: when it was published, by the publisher's clock; without a timestamp, when it came here.
        body: its JSON object, masked, without secrets, at most 16 KiB; empty where it was no JSON object.
    """

    __tablename__: ClassVar[str] = "events"
    __table_args__ = (
        Index("ix_events_kind_message_id", "kind", "message_id", unique=True),  # NULL is equal to nothing
        Index("ix_events_at", "at"),
        Index("ix_events_kind_at", "kind", "at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_NUMBER)
    kind: str = Field(max_length=255)
    at: datetime = Field(sa_type=_TIME)
    message_id: str | None = Field(default=None, max_length=255)
    correlation_id: str | None = Field(default=None, max_length=255)
    app_id: str | None = Field(default=None, max_length=255)
    body: str = Field(sa_type=Text)
    recorded_at: datetime = Field(sa_type=_TIME)


class MeasurementRow(SQLModel, table=True):
    """How often the tries of one queue's messages ended so and took so long, in one process and one minute.

    Attributes:
        at: the end of that minute. `seconds`: its length.
        outcome: done, retried or dead.
        milliseconds: took at most so long, and more than the next lower bound of shared.worker.measuring.
        message_id: of the event that told it; a second delivery of that changes nothing.
    """

    __tablename__: ClassVar[str] = "job_measurements"
    __table_args__ = (
        Index("ix_job_measurements_once", "message_id", "queue", "outcome", "milliseconds", unique=True),
        Index("ix_job_measurements_at", "at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_NUMBER)
    at: datetime = Field(sa_type=_TIME)
    seconds: float
    service: str = Field(max_length=255)
    queue: str = Field(max_length=255)
    outcome: str = Field(max_length=10)
    milliseconds: float
    count: int
    message_id: str = Field(max_length=255)


RETENTION = (
    Retention("events", "events", "at"),
    Retention("events", "job_measurements", "at"),
)
