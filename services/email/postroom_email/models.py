"""The tables of the e-mail service."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import DateTime, Index
from sqlmodel import Field, SQLModel

from postroom.storage.retention import Retention


class SuppressionRow(SQLModel, table=True):
    """A suppressed address: it gets no mails until the row is deleted."""

    __tablename__: ClassVar[str] = "email_suppressions"

    address: str = Field(primary_key=True, max_length=320)  # lower case
    reason: str = Field(max_length=300)
    since: datetime = Field(sa_type=DateTime(timezone=True))


class RecipientRow(SQLModel, table=True):
    """What became of one mail for one recipient. Needed while the mail may come again; pruned by age of `at`."""

    __tablename__: ClassVar[str] = "email_recipients"
    __table_args__ = (Index("ix_email_recipients_at", "at"),)

    queue: str = Field(primary_key=True, max_length=255)
    job_id: str = Field(primary_key=True, max_length=255)
    recipient: str = Field(primary_key=True, max_length=320)  # lower case
    outcome: str = Field(max_length=20)
    answer: str = Field(max_length=300)
    round: int = 0
    at: datetime = Field(sa_type=DateTime(timezone=True))


RETENTION = (Retention("deliveries", "email_recipients", "at"),)
