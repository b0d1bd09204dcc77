"""The state of each report: how far it is, which documents are stored, whether it was cancelled. This is the port."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from postroom.wire.messages.report import ReportFormat
from postroom_report.layout import RenderProgress


@dataclass(frozen=True, slots=True)
class RunStart:
    """What is about to be made. `fingerprint` differs for another request under the same id."""

    job_id: str
    type: str
    format: ReportFormat
    initiated_by: str
    fingerprint: str
    moment: datetime


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document in the storage."""

    part: str
    key: str
    rows: int
    pages: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Result:
    """A finished report. Fields are those of RunRow."""

    key: str
    url: str
    rows: int
    pages: int
    documents: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class RunStatus:
    """What is known of a report when a worker takes it.

    Attributes:
        moment: of its first try.
        documents: by part, those that lie in the storage.
        result: set when it was finished before.
    """

    moment: datetime
    is_cancelled: bool = False
    documents: Mapping[str, StoredDocument] = field(default_factory=dict)
    result: Result | None = None


class Runs(Protocol):
    """The states of all reports, shared by all processes of the service."""

    async def begin(self, beginning: RunStart) -> RunStatus:
        """Note that a report is being made, unless it is finished or cancelled. Returns its state before that."""

    async def note(self, job_id: str, progress: RenderProgress) -> bool:
        """Keep how far a report is. Returns whether it was cancelled; False while the database is away."""

    async def store(self, job_id: str, document: StoredDocument) -> None:
        """Keep that a document is stored: it need not be made again."""

    async def finish(self, job_id: str, result: Result, expires_at: datetime) -> None:
        """Keep the result."""

    async def fail(self, job_id: str, error: str) -> None:
        """Keep why the try failed."""

    async def drop(self, job_id: str) -> None:
        """Keep that it was cancelled and that none of its documents is left."""

    async def cancel(self, job_id: str) -> None:
        """Mark it as cancelled. A finished report stays as it is."""
