"""The tables of the webhook service."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Index, Text
from sqlmodel import Field, SQLModel

from postroom.storage.retention import Retention

_TIME: Any = DateTime(timezone=True)


class AttemptRow(SQLModel, table=True):
    """One call for one message."""

    __tablename__: ClassVar[str] = "webhook_attempts"
    __table_args__ = (
        Index("ix_webhook_attempts_message_id", "message_id", "id"),
        Index("ix_webhook_attempts_at", "at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    message_id: str = Field(max_length=255)
    attempt: int
    replays: int
    at: datetime = Field(sa_type=_TIME)
    host: str = Field(max_length=300)
    path: str = Field(max_length=500)
    status: int | None = None
    error: str | None = Field(default=None, max_length=1000)
    response: str = Field(sa_type=Text)
    milliseconds: int


class SourceRow(SQLModel, table=True):
    """How far the syncs of one source have come."""

    __tablename__: ClassVar[str] = "webhook_sources"

    name: str = Field(primary_key=True, max_length=128)
    description: str = Field(max_length=64)  # a hash; another one makes what is kept here void
    run: int = 0  # the sync under way, or the last one
    pages: int = 0  # done in this run
    cursor: str | None = Field(default=None, sa_type=Text)  # URL of the next page; none: begin anew
    etag: str | None = Field(default=None, sa_type=Text)
    last_modified: str | None = Field(default=None, sa_type=Text)
    finished_at: datetime | None = Field(default=None, sa_type=_TIME)
    held_by: str | None = Field(default=None, max_length=255)
    held_until: datetime | None = Field(default=None, sa_type=_TIME)


class ItemRow(SQLModel, table=True):
    """What is known of one item. Its row stays when the item is gone, for the sake of its version."""

    __tablename__: ClassVar[str] = "webhook_items"

    source: str = Field(primary_key=True, max_length=128)
    item_id: str = Field(primary_key=True, max_length=255)
    hash: str | None = Field(default=None, max_length=64)  # none: the source no longer lists it
    version: int = 0  # changes that were published
    run: int = 0  # in which it was last seen


RETENTION = (Retention("deliveries", "webhook_attempts", "at"),)
