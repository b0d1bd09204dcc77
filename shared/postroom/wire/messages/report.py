"""The jobs and the events of the report service."""

from typing import Any, ClassVar, Literal

from pydantic import AliasChoices, Field

from postroom.wire.messages.base import Event, Job
from postroom.wire.messages.email import MailAddresses

ReportFormat = Literal["pdf", "csv", "xlsx", "html", "json"]


class GenerateReport(Job):
    """Make a report of a registered type and put it into object storage."""

    kind: ClassVar[str] = "report.generate"
    recipient_fields: ClassVar[tuple[str, ...]] = ("email_to",)

    type: str = Field(min_length=1, max_length=100)
    initiated_by: str = Field(
        validation_alias=AliasChoices("initiatedBy", "initiated_by"), serialization_alias="initiatedBy"
    )
    format: ReportFormat = "pdf"
    parameters: dict[str, Any] = {}
    rows: list[dict[str, Any]] | None = None
    email_to: MailAddresses = []


class ReportReady(Event):
    """A report is in object storage. `bytes` is its size, `rows` how many rows went in."""

    kind: ClassVar[str] = "report.ready"

    id: str
    type: str
    format: ReportFormat
    url: str
    rows: int
    bytes: int


class ReportProgress(Event):
    """How far a report is; published at most once a second while it is made.

    `pages` counts those of PDF that are laid out; `documents` those that are finished.
    """

    kind: ClassVar[str] = "report.progress"

    id: str
    type: str
    rows: int
    pages: int
    documents: int


class ReportCancelled(Event):
    """A report will not be made: somebody cancelled it."""

    kind: ClassVar[str] = "report.cancelled"

    id: str
    type: str


class CancelReport(Job):
    """Stop making a report, or do not begin it. One that is done stays."""

    kind: ClassVar[str] = "report.cancel"

    # On the wire it is `id`; a job's own `id` is that of its message.
    report_id: str = Field(alias="id", min_length=1, max_length=255)
