"""The tables of the SMS service."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import DateTime, Index, text
from sqlmodel import Field, SQLModel

from postroom.storage.retention import Retention

_NOT_ANNOUNCED = text("ended_at IS NOT NULL AND announced_at IS NULL")


class TextRow(SQLModel, table=True):
    """One text: whether it was sent, by whom, and what became of it. What it says is not kept.

    Needed while its message may come again; pruned by age of `at`.
    """

    __tablename__: ClassVar[str] = "sms_texts"
    __table_args__ = (
        Index("ix_sms_texts_to_hash", "to_hash"),
        Index("ix_sms_texts_at", "at"),
        Index("ix_sms_texts_not_announced", "ended_at", sqlite_where=_NOT_ANNOUNCED, postgresql_where=_NOT_ANNOUNCED),
    )

    queue: str = Field(primary_key=True, max_length=255)
    job_id: str = Field(primary_key=True, max_length=255)
    to_masked: str = Field(max_length=40)
    to_hash: str | None = Field(default=None, max_length=64)  # HMAC-SHA256 of the number with SMS_NUMBER_KEY
    sender: str | None = Field(default=None, max_length=16)
    encoding: str = Field(max_length=5)
    segments: int
    state: str = Field(max_length=11)  # postroom_sms.texts.TextState
    may_be_double: bool = False  # an answer was lost on the way: look at it when somebody complains
    gateway: str | None = Field(default=None, max_length=20)
    reason: str | None = Field(default=None, max_length=300)
    round: int = 0
    at: datetime = Field(sa_type=DateTime(timezone=True))
    accepted_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    ended_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    announced_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class PartRow(SQLModel, table=True):
    """What a provider reported of one part of a text. Without a text, the receipt came before the acceptance was
    written down, or belongs to somebody else."""

    __tablename__: ClassVar[str] = "sms_parts"
    __table_args__ = (Index("ix_sms_parts_text", "queue", "job_id"), Index("ix_sms_parts_at", "at"))

    gateway: str = Field(primary_key=True, max_length=20)
    provider_id: str = Field(primary_key=True, max_length=255)
    queue: str | None = Field(default=None, max_length=255)
    job_id: str | None = Field(default=None, max_length=255)
    state: str = Field(max_length=11)  # postroom_sms.gateway.DeliveryProgress
    reason: str | None = Field(default=None, max_length=300)
    at: datetime = Field(sa_type=DateTime(timezone=True))


class OptedOutRow(SQLModel, table=True):
    """A number that gets no texts. It is stored whole: it must be found for years, and hashed with a key it
    would be lost together with the key. Take the row away once its owner has agreed again."""

    __tablename__: ClassVar[str] = "sms_opted_out"

    number: str = Field(primary_key=True, max_length=16)  # E.164
    reason: str = Field(max_length=300)
    since: datetime = Field(sa_type=DateTime(timezone=True))


RETENTION = (
    Retention("deliveries", "sms_texts", "at"),
    Retention("deliveries", "sms_parts", "at"),
)
