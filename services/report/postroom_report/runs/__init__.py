"""What is remembered of each report: how far it is, what of it lies in the storage, whether it is still wanted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from postroom.wire.messages.report import ReportFormat
from postroom_report.layout import Progress


@dataclass(frozen=True, slots=True)
class Beginning:
    """What is about to be made. `fingerprint` tells one request from another under the same id."""

    job_id: str
    type: str
    format: ReportFormat
    initiated_by: str
    fingerprint: str
    moment: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """A document that lies in the storage."""

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
class Standing:
    """How a report stands when a worker takes it.

    Attributes:
        moment: of its first try.
        documents: by part, those that lie in the storage.
        result: set when it was finished before.
    """

    moment: datetime
    is_cancelled: bool = False
    documents: Mapping[str, Stored] = field(default_factory=dict)
    result: Result | None = None


class Runs(Protocol):
    """The memory of all processes of the service."""

    async def begin(self, beginning: Beginning) -> Standing:
        """Note that a report is being made, unless it is finished or cancelled, and tell how it stands."""

    async def note(self, job_id: str, progress: Progress) -> bool:
        """Keep how far a report is. The answer says whether it was cancelled; while the memory is away, no."""

    async def store(self, job_id: str, document: Stored) -> None:
        """Keep that a document lies in the storage: it need not be made again."""

    async def finish(self, job_id: str, result: Result, expires_at: datetime) -> None:
        """Keep the result."""

    async def fail(self, job_id: str, error: str) -> None:
        """Keep why the try failed."""

    async def drop(self, job_id: str) -> None:
        """Keep that it was cancelled and that none of its documents is left."""

    async def cancel(self, job_id: str) -> None:
        """Want it no more. For a finished report this changes nothing."""
