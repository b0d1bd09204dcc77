"""Makes one report. The steps:

1. It is recorded as a run, which has the moment it is meant for and the documents that are done.
2. It is planned: type found, parameters checked.
3. A child process makes its documents; each is stored and recorded before the next one is made.
4. A batch gets an index of its documents. The result is recorded.
5. The event and the mail are published, and the message is acknowledged.

A worker that dies in between leaves the message to another one, which goes on with what is not done, under the same
keys. A job that is cancelled leaves nothing in the storage and counts as done.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import orjson

from postroom.privacy.masking import mask_text
from postroom.privacy.redaction import redact
from postroom.wire.errors import PublishError
from postroom.wire.messages import GenerateReport
from postroom.worker import Delivery
from postroom_report.events import ReportEvents
from postroom_report.layout import Document, RenderProgress
from postroom_report.planning import Planner, ReportPlan, fingerprint_of, keys_of, moment_of
from postroom_report.render_process import RenderProcess
from postroom_report.runs import Result, Runs, RunStart, RunStatus, StoredDocument
from postroom_report.storage import Storage
from postroom_report.work_folder import WorkFolder

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
"""How often a running report is checked: whether it was cancelled, how far it is."""
PROGRESS_SECONDS = 1.0
"""At most so often `report.progress` is published."""
"""At most so often `report.progress` is published."""


class _Cancelled(Exception):
    """Somebody cancelled the report."""


@dataclass(slots=True)
class _Making:
    """A report that is being made."""

    job_id: str
    plan: ReportPlan
    documents: dict[str, StoredDocument]
    progress: RenderProgress = field(default_factory=RenderProgress)

    def note(self, progress: RenderProgress) -> None:
        self.progress = progress


class ReportService:
    """Makes reports.

    Args:
        work_folder: where files lie until they are stored.
    """

    def __init__(
        self,
        planner: Planner,
        render_process: RenderProcess,
        work_folder: WorkFolder,
        storage: Storage,
        runs: Runs,
        events: ReportEvents,
    ) -> None:
        self._planner = planner
        self._render_process = render_process
        self._work_folder = work_folder
        self._storage = storage
        self._runs = runs
        self._events = events

    async def make(self, job: GenerateReport, delivery: Delivery) -> None:
        """Do what the message asks for. Raises the errors of errors.py, and PublishError."""
        job_id = delivery.ensure_id()
        status = await self._runs.begin(
            RunStart(job_id, job.type, job.format, job.initiated_by, fingerprint_of(job), moment_of(delivery))
        )
        if status.is_cancelled:
            await self._drop(job_id, job, status)
            return
        try:
            plan = await self._planner.plan(job, job_id, status.moment)
            result = await self._result(job_id, plan, status)
        except _Cancelled:
            await self._drop(job_id, job, status)
        except asyncio.CancelledError:  # its time limit, or the service stops
            with suppress(Exception):
                await asyncio.shield(self._runs.fail(job_id, "stopped before it was ready"))
            raise
        except Exception as error:
            await self._runs.fail(job_id, mask_text(redact(f"{type(error).__name__}: {error}")))
            raise
        else:
            await self._events.publish_ready(job_id, plan, result, delivery.correlation_id)

    async def cancel(self, job_id: str) -> None:
        """Stop a report, in whatever process it is made, or do not begin it."""
        await self._runs.cancel(job_id)

    async def _result(self, job_id: str, plan: ReportPlan, status: RunStatus) -> Result:
        making = _Making(job_id, plan, dict(status.documents))
        if status.result is not None:
            if await self._storage.has(status.result.key):
                return status.result
            making.documents.clear()  # removed since, by age or by hand
        if plan.is_batch or not making.documents:
            await self._storage.has(plan.keys.index)  # a storage that is away is met before the work, not after it
            await self._watch(making)
        result = await self._finished(making)
        await self._runs.finish(job_id, result, datetime.now(UTC) + plan.retention)
        return result

    async def _watch(self, making: _Making) -> None:
        """Have it made, and publish its progress meanwhile. Raises _Cancelled."""
        loop, published_at, published = asyncio.get_running_loop(), float("-inf"), RenderProgress()
        publishing: asyncio.Task[None] | None = None
        work = asyncio.ensure_future(self._make(making))
        try:
            while not work.done():
                await asyncio.wait([work], timeout=POLL_SECONDS)
                if await self._runs.note(making.job_id, making.progress):
                    raise _Cancelled
                is_due = loop.time() - published_at >= PROGRESS_SECONDS and (publishing is None or publishing.done())
                if is_due and making.progress != published:
                    published_at, published = loop.time(), making.progress
                    publishing = asyncio.ensure_future(self._publish_progress(making, published))
            await work
        finally:
            for task in (work, publishing):
                if task is not None and not task.done():
                    task.cancel()
                    with suppress(asyncio.CancelledError, Exception):
                        await task

    async def _make(self, making: _Making) -> None:
        async def take(document: Document) -> None:
            key = making.plan.keys.document(document.part, is_batch=making.plan.is_batch)
            stored = await self._stored(document, key, making.plan.content_type)
            await self._runs.store(making.job_id, stored)
            making.documents[document.part] = stored

        async with self._work_folder.folder() as folder:
            request = making.plan.request_in(folder, frozenset(making.documents))
            await self._render_process.make(request, making.note, take)

    async def _stored(self, document: Document, key: str, content_type: str) -> StoredDocument:
        written = await self._storage.write(key, document.path, content_type)
        await asyncio.to_thread(document.path.unlink, missing_ok=True)
        return StoredDocument(document.part, key, document.rows, document.pages, written.bytes, written.sha256)

    async def _publish_progress(self, making: _Making, progress: RenderProgress) -> None:
        # Nobody's work waits for it: a broker that is away does not stop the report.
        with suppress(PublishError):
            await self._events.publish_progress(making.job_id, making.plan.request.job, progress)

    async def _finished(self, making: _Making) -> Result:
        documents = sorted(making.documents.values(), key=lambda document: document.part)
        [first] = documents if not making.plan.is_batch else [await self._index(making.plan, documents)]
        return Result(
            key=first.key,
            url=self._storage.url(first.key),
            rows=sum(document.rows for document in documents),
            pages=sum(document.pages for document in documents),
            documents=len(documents),
            bytes=sum(document.bytes for document in documents),
            sha256=first.sha256,
        )

    async def _index(self, plan: ReportPlan, documents: list[StoredDocument]) -> StoredDocument:
        entries = [
            {
                "part": document.part,
                "url": self._storage.url(document.key),
                "rows": document.rows,
                "pages": document.pages,
                "bytes": document.bytes,
                "sha256": document.sha256,
            }
            for document in documents
        ]
        content = {"type": plan.layout.type, "format": plan.layout.format, "documents": entries}
        async with self._work_folder.folder() as folder:
            path = Path(folder) / "index.json"
            path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
            return await self._stored(Document("", path, 0, 0), plan.keys.index, "application/json")

    async def _drop(self, job_id: str, job: GenerateReport, status: RunStatus) -> None:
        keys = keys_of(job, job_id, status.moment)
        # Whatever is there: a document may have been stored without having been recorded.
        await self._storage.delete(keys.document("", is_batch=False), keys.folder)
        await self._runs.drop(job_id)
        await self._events.publish_cancelled(job_id, job)
        log.info("Report %s was cancelled", job_id)
