"""Plans a report from its message: finds the type, checks parameters, names objects."""

import asyncio
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from pydantic import SecretStr

from postroom.settings import RuntimeSettings
from postroom.wire.errors import ConfigurationError
from postroom.wire.messages import GenerateReport
from postroom.worker import Delivery
from postroom_report.definition import INLINE, Definition
from postroom_report.errors import BrokenReportType
from postroom_report.layout import Layout
from postroom_report.parameters import make_layout
from postroom_report.registry import ReportTypes, shipped_types
from postroom_report.render_request import RenderRequest
from postroom_report.rendering import CONTENT_TYPES, ending
from postroom_report.settings import AUDIT, ReportSettings

X_FIRE_TIME = "x-fire-time"
"""Of a scheduler's message: the moment it was meant for, RFC 3339."""

_NOWHERE = Path("/")
_PLAIN_TYPE = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")


@dataclass(frozen=True, slots=True)
class ReportPlan:
    """A report that can be made.

    Attributes:
        request: for the child process, but for its folder and the parts that are done.
    """

    request: RenderRequest
    layout: Layout
    keys: "Keys"

    @property
    def is_batch(self) -> bool:
        """Whether it makes a document for each value of a column."""
        return self.layout.definition.each is not None

    @property
    def file_name(self) -> str:
        """What people call the document."""
        return self.layout.label + ending(self.layout.format)

    @property
    def content_type(self) -> str:
        """Of its documents."""
        return CONTENT_TYPES[self.layout.format]

    @property
    def retention(self) -> timedelta:
        """How long its objects are kept."""
        return timedelta(days=self.layout.definition.retention_days)

    def request_in(self, folder: Path, done_parts: frozenset[str]) -> RenderRequest:
        """The request for a child that works in `folder`."""
        return self.request.model_copy(update={"folder": folder, "done_parts": done_parts})


@dataclass(frozen=True, slots=True)
class Keys:
    """The objects of one job. They are made of its id, so that the same job again gives the same objects."""

    folder: str
    ending: str

    def document(self, part: str, *, is_batch: bool) -> str:
        """Of a document. What a part is called may be anything and never becomes part of a path."""
        if not is_batch:
            return self.folder + self.ending
        return f"{self.folder}/{hashlib.sha256(part.encode()).hexdigest()[:32]}{self.ending}"

    @property
    def index(self) -> str:
        """Of the list of a batch's documents."""
        return f"{self.folder}/index.json"


def keys_of(job: GenerateReport, job_id: str, moment: datetime) -> Keys:
    """The keys of a job's objects."""
    kind = job.type if _PLAIN_TYPE.fullmatch(job.type) else "unknown"
    name = hashlib.sha256(job_id.encode()).hexdigest()[:32]
    return Keys(f"{kind}/{moment.astimezone(UTC):%Y-%m}/{name}", ending(job.format))


def moment_of(delivery: Delivery) -> datetime:
    """The moment a job was meant for: the schedule's, else when it was published, else when it was first seen."""
    given: Any = delivery.headers.get(X_FIRE_TIME)
    for value in (given, delivery.timestamp, delivery.first_seen_at):
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            continue
        if isinstance(moment, datetime):
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return datetime.now(UTC)


def fingerprint_of(job: GenerateReport) -> str:
    """The same for the same request, whoever publishes it."""
    fields = job.model_dump(mode="json", include={"type", "format", "parameters", "rows"})
    return hashlib.sha256(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)).hexdigest()


class Planner:
    """Plans reports by the settings of this service.

    Attributes:
        folders: where report types lie; a name in an earlier one stands before the same name in a later one.
    """

    def __init__(self, settings: ReportSettings, runtime: RuntimeSettings) -> None:
        if settings.types_dir is not None and not settings.types_dir.is_dir():
            raise ConfigurationError("REPORT_TYPES_DIR: there is no such folder; make it, with a folder for each type")
        self._settings = settings
        self.folders = [*([settings.types_dir.absolute()] if settings.types_dir else []), shipped_types()]
        self._databases: Mapping[str, SecretStr] = {
            **settings.database_urls(),
            AUDIT: SecretStr(runtime.service_database_url(AUDIT)),
        }
        self._audit_schema = AUDIT if runtime.database_url is not None else None

    async def plan(self, job: GenerateReport, job_id: str, moment: datetime) -> ReportPlan:
        """Raises UnknownReportType, BrokenReportType, InvalidParameter."""
        return await asyncio.to_thread(self._plan, job, job_id, moment)  # reads files

    def _plan(self, job: GenerateReport, job_id: str, moment: datetime) -> ReportPlan:
        _, definition = ReportTypes(self.folders).find(job.type)
        request = self._request(job, definition, moment)
        return ReportPlan(request, make_layout(request), keys_of(job, job_id, moment))

    def _request(self, job: GenerateReport, definition: Definition, moment: datetime) -> RenderRequest:
        settings, name = self._settings, definition.rows.database
        lines = [line.strip() for line in settings.letterhead_lines.split("|")]
        return RenderRequest(
            job=job,
            moment=moment,
            type_folders=self.folders,
            folder=_NOWHERE,
            database_url=None if name == INLINE else self._url_of(job.type, name),
            database_schema=self._audit_schema if name == AUDIT else None,
            letterhead_name=settings.letterhead_name,
            letterhead_lines=[line for line in lines if line],
            letterhead_logo=settings.letterhead_logo,
            fonts_folder=settings.fonts_dir,
            csv_byte_order_mark=settings.csv_byte_order_mark,
        )

    def _url_of(self, kind: str, name: str) -> str:
        if name not in self._databases:
            names = ", ".join(sorted(self._databases))
            raise BrokenReportType(
                f"{kind}/report.yaml, rows.database: REPORT_DATABASES has no {name}; there are {names}, inline"
            )
        return self._databases[name].get_secret_value()
