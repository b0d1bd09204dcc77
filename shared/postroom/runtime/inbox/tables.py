"""The runtime's own tables, in every service's database: what is done, who works on what, what happened."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import DateTime, Index, Text, text
from sqlmodel import Field, SQLModel

STARTED = "started"
DONE = "done"

UNPUBLISHED = text("NOT is_told")
"""As the index says it: written in any other way, SQLite would not use the index."""


class InboxRow(SQLModel, table=True):
    """A message of a queue that is being done, or was done. A failed one has no row: its next delivery is work."""

    __tablename__: ClassVar[str] = "inbox"
    __table_args__ = (Index("ix_inbox_finished_at", "finished_at"),)

    queue: str = Field(primary_key=True, max_length=255)
    identity: str = Field(primary_key=True, max_length=512)
    state: str = Field(max_length=10)
    holder: str = Field(max_length=64)
    starts: int = 1
    finished_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class WorkerRow(SQLModel, table=True):
    """A running process. Its `beats` rise every two seconds; who stops rising is dead."""

    __tablename__: ClassVar[str] = "workers"

    holder: str = Field(primary_key=True, max_length=64)
    beats: int = 0


class HistoryRow(SQLModel, table=True):
    """One outcome of one try. It waits here until it was published to the history of all services, as `job.recorded`.

    Attributes:
        try_id: of this try alone; rows from before there were any have none.
        holder: the process that wrote it, and publishes it.
        is_told: whether it was published.
        recipients: JSON list of postroom.wire.messages.Recipient.
    """

    __tablename__: ClassVar[str] = "history"
    __table_args__ = (
        Index("ix_history_message_id", "message_id"),
        Index("ix_history_at", "at"),
        Index("ix_history_untold", "holder", "id", sqlite_where=UNPUBLISHED, postgresql_where=UNPUBLISHED),
    )

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=DateTime(timezone=True))
    queue: str = Field(max_length=255)
    message_id: str | None = Field(default=None, max_length=512)
    correlation_id: str | None = Field(default=None, max_length=255)
    attempt: int
    replays: int
    outcome: str = Field(max_length=10)  # done, retried, dead
    error_type: str | None = Field(default=None, max_length=255)
    error: str | None = None
    milliseconds: float
    try_id: str | None = Field(default=None, max_length=64)
    kind: str | None = Field(default=None, max_length=255)
    app_id: str | None = Field(default=None, max_length=255)
    published_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    attempts: int | None = None
    place: str | None = Field(default=None, max_length=255)
    next_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    recipients: str | None = Field(default=None, sa_type=Text)
    holder: str | None = Field(default=None, max_length=64)
    is_told: bool = True
