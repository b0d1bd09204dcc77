"""The tables of the report service."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Index, Text
from sqlmodel import Field, SQLModel

from postroom.storage.retention import Retention

_TIME: Any = DateTime(timezone=True)
_COUNT: Any = BigInteger


class RunRow(SQLModel, table=True):
    """One job and what became of it.

    Attributes:
        fingerprint: of what was asked for; another one under the same id is another report.
        moment: what `today` means in it, as of its first try.
        state: running, done, failed (the last try; another may follow) or cancelled.
        object_key, url, bytes, sha256: of the document; of the index of a batch, but `bytes` are of all documents.
        expires_at: from then on the objects may be removed.
    """

    __tablename__: ClassVar[str] = "report_runs"
    __table_args__ = (
        Index("ix_report_runs_started_at", "started_at"),
        Index("ix_report_runs_expires_at", "expires_at"),
    )

    job_id: str = Field(primary_key=True, max_length=255)
    type: str = Field(max_length=100)
    format: str = Field(max_length=10)
    initiated_by: str = Field(sa_type=Text)
    fingerprint: str = Field(max_length=64)
    moment: datetime = Field(sa_type=_TIME)
    state: str = Field(max_length=20)
    rows: int = Field(default=0, sa_type=_COUNT)
    pages: int = 0
    documents: int = 0
    object_key: str | None = Field(default=None, max_length=300)
    url: str | None = Field(default=None, sa_type=Text)
    bytes: int | None = Field(default=None, sa_type=_COUNT)
    sha256: str | None = Field(default=None, max_length=64)
    error: str | None = Field(default=None, max_length=1000)
    started_at: datetime = Field(sa_type=_TIME)
    finished_at: datetime | None = Field(default=None, sa_type=_TIME)
    expires_at: datetime | None = Field(default=None, sa_type=_TIME)


class DocumentRow(SQLModel, table=True):
    """A document of a run, in the storage. `part` is empty where the run makes one only."""

    __tablename__: ClassVar[str] = "report_documents"

    job_id: str = Field(primary_key=True, max_length=255)
    part: str = Field(primary_key=True, max_length=200)
    object_key: str = Field(max_length=300)
    rows: int = Field(sa_type=_COUNT)
    pages: int
    bytes: int = Field(sa_type=_COUNT)
    sha256: str = Field(max_length=64)


class CancellationRow(SQLModel, table=True):
    """A job that is not wanted any more, begun or not."""

    __tablename__: ClassVar[str] = "report_cancellations"

    job_id: str = Field(primary_key=True, max_length=255)
    at: datetime = Field(sa_type=_TIME)


RETENTION = (
    Retention(
        "reports",
        "report_runs",
        "expires_at",
        objects="SELECT object_key FROM report_documents WHERE job_id IN :keys UNION "
        "SELECT object_key FROM report_runs WHERE job_id IN :keys AND object_key IS NOT NULL",
        key="job_id",
        children=("report_documents",),
    ),
    Retention("reports", "report_cancellations", "at"),
)
