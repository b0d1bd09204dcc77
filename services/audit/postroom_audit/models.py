"""The audit service's tables. Reports read them, so a column may be added and never changes its meaning.

All times are UTC. SQLite keeps them as text without a zone, `2026-11-24 02:10:00.000000`, which sorts as they do.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Index, Integer, Text
from sqlmodel import Field, SQLModel

from postroom.storage.retention import HISTORY, Retention

_TIME: Any = DateTime(timezone=True)
_NUMBER: Any = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up an INTEGER only


class EventRow(SQLModel, table=True):
    """An event that was published. Measurements (`job.measured`) have a table of their own.

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
        Index("ix_events_message_id", "message_id", postgresql_ops={"message_id": "text_pattern_ops"}),
        Index("ix_events_correlation_id", "correlation_id"),
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
        milliseconds: took at most so long, and more than the next lower bound of postroom.runtime.history.measurements.
        message_id: of the event that says so; a second delivery of it changes nothing.
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


class TryRow(SQLModel, table=True):
    """How one try of one message ended, as a service published it with `job.recorded`: see RecordedTry there.

    Attributes:
        try_id: of this try alone; recording it again changes nothing.
        recipients: JSON list of masked addresses and numbers, the first ones of a message to many.
    """

    __tablename__: ClassVar[str] = "tries"
    __table_args__ = (
        Index("ix_tries_try_id", "try_id", unique=True),
        Index("ix_tries_message_id", "message_id", postgresql_ops={"message_id": "text_pattern_ops"}),
        Index("ix_tries_correlation_id", "correlation_id"),
        Index("ix_tries_at", "at"),
        Index("ix_tries_kind_outcome_at", "kind", "outcome", "at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_NUMBER)
    try_id: str = Field(max_length=64)
    at: datetime = Field(sa_type=_TIME)
    service: str = Field(max_length=255)
    queue: str = Field(max_length=255)
    kind: str = Field(max_length=255)
    message_id: str = Field(max_length=512)
    correlation_id: str | None = Field(default=None, max_length=255)
    app_id: str | None = Field(default=None, max_length=255)
    published_at: datetime | None = Field(default=None, sa_type=_TIME)
    attempt: int = Field(sa_type=BigInteger)
    attempts: int | None = Field(default=None, sa_type=BigInteger)
    replays: int = Field(sa_type=BigInteger)
    outcome: str = Field(max_length=10)
    error_type: str | None = Field(default=None, max_length=255)
    error: str | None = Field(default=None, sa_type=Text)
    place: str | None = Field(default=None, max_length=255)
    milliseconds: float
    next_at: datetime | None = Field(default=None, sa_type=_TIME)
    recipients: str | None = Field(default=None, sa_type=Text)


class TryRecipientRow(SQLModel, table=True):
    """Whom the message of a try was for, to be searched by. `digest`: that of postroom.privacy.recipients."""

    __tablename__: ClassVar[str] = "try_recipients"
    __table_args__ = (Index("ix_try_recipients_digest", "digest"), Index("ix_try_recipients_at", "at"))

    try_id: str = Field(primary_key=True, max_length=64)
    digest: str = Field(primary_key=True, max_length=64)
    at: datetime = Field(sa_type=_TIME)


class DeadLetterEventRow(SQLModel, table=True):
    """What became of one dead letter.

    Attributes:
        told_by: message id of the event that says so.
        what: died, replayed or discarded. `who`: the person that did it.
        kind: the wire name it was first published with, of one that died.
        replays: how often it had been replayed when it died; of a replay, this one included.
        reason: its error, of one that died; why it was discarded.
        was: its masked body as JSON, before a person changed it.
    """

    __tablename__: ClassVar[str] = "dead_letter_events"
    __table_args__ = (Index("ix_dead_letter_events_at", "at"),)

    message_id: str = Field(primary_key=True, max_length=512)
    queue: str = Field(primary_key=True, max_length=255)
    told_by: str = Field(primary_key=True, max_length=255)
    at: datetime = Field(sa_type=_TIME)
    what: str = Field(max_length=10)
    kind: str | None = Field(default=None, max_length=255)
    who: str | None = Field(default=None, max_length=255)
    replays: int | None = Field(default=None, sa_type=BigInteger)
    reason: str | None = Field(default=None, sa_type=Text)
    was: str | None = Field(default=None, sa_type=Text)


RETENTION = (
    Retention("events", "events", "at"),
    Retention("events", "job_measurements", "at"),
    Retention(HISTORY, "tries", "at"),
    Retention(HISTORY, "try_recipients", "at"),
    Retention(HISTORY, "dead_letter_events", "at"),
)
