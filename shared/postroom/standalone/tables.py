"""Messages that wait in this installation's own file."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Index, LargeBinary, Text
from sqlmodel import Field, SQLModel

READY, DEAD = "ready", "dead"
_TIME: Any = DateTime(timezone=True)


class LocalMessageRow(SQLModel, table=True):
    """A message in one queue. Done, it has no row.

    Attributes:
        id: never used again, or what is settled late would be another message.
        state: ready, from `due_at` on; or dead: it waits for a person.
        deliveries: how often it was delivered.
    """

    __tablename__: ClassVar[str] = "local_messages"
    __table_args__ = (Index("ix_local_messages_state_due_at", "state", "due_at"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True)
    queue: str = Field(max_length=255)
    state: str = Field(max_length=10)
    due_at: datetime = Field(sa_type=_TIME)
    deliveries: int = 0
    exchange: str = Field(max_length=255)
    routing_key: str = Field(max_length=500)
    body: bytes = Field(sa_type=LargeBinary)
    headers: str = Field(sa_type=Text)
    message_id: str = Field(max_length=512)
    content_type: str | None = Field(default=None, max_length=255)
    correlation_id: str | None = Field(default=None, max_length=255)
    app_id: str | None = Field(default=None, max_length=255)
    timestamp: datetime | None = Field(default=None, sa_type=_TIME)
