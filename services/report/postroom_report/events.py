"""The events of a report (progress, ready, cancelled), and the mail with it to those who asked for one."""

import hashlib
from datetime import timedelta

from postroom.broker.publishing import Publisher, PublishOptions
from postroom.wire.messages import Attachment, GenerateReport, ReportCancelled, ReportProgress, ReportReady, SendEmail
from postroom_report.layout import RenderProgress
from postroom_report.planning import ReportPlan
from postroom_report.runs import Result
from postroom_report.storage import Storage

_LONGEST_NAME = 200


class ReportEvents:
    """Publishes the events of reports. An event that is published twice for one job has the same message id, and is
    done once.

    Args:
        link_time: how long links in mails work.
        attach_limit: bytes up to which a mail carries the document itself.
    """

    def __init__(self, publisher: Publisher, storage: Storage, link_time: timedelta, attach_limit: int) -> None:
        self._publisher = publisher
        self._storage = storage
        self._link_time = link_time
        self._attach_limit = attach_limit

    async def publish_progress(self, job_id: str, job: GenerateReport, progress: RenderProgress) -> None:
        """Publish how far the report is. Raises PublishError, as the others do."""
        await self._publisher.publish(
            ReportProgress(
                id=job_id, type=job.type, rows=progress.rows, pages=progress.pages, documents=progress.documents
            )
        )

    async def publish_ready(self, job_id: str, plan: ReportPlan, result: Result, correlation_id: str | None) -> None:
        """Publish that it is ready, and the mail. A second call publishes the same message ids."""
        job, options = plan.request.job, PublishOptions(correlation_id=correlation_id)
        ready = ReportReady(
            id=job_id, type=job.type, format=job.format, url=result.url, rows=result.rows, bytes=result.bytes
        )
        await self._publisher.publish(ready, message_id=_derived(ready.kind, job_id), options=options)
        if job.email_to:
            mail = await self._mail(plan, result)
            await self._publisher.publish(mail, message_id=_derived(mail.kind, job_id), options=options)

    async def publish_cancelled(self, job_id: str, job: GenerateReport) -> None:
        """Publish that it will not be made."""
        cancelled = ReportCancelled(id=job_id, type=job.type)
        await self._publisher.publish(cancelled, message_id=_derived(cancelled.kind, job_id))

    async def _mail(self, plan: ReportPlan, result: Result) -> SendEmail:
        job = plan.request.job
        context = {"type": plan.layout.title, "format": job.format, "rows": result.rows, "bytes": result.bytes}
        attachments = []
        if not plan.is_batch and result.bytes <= self._attach_limit:
            name = _file_name(plan)
            attachments = [Attachment(filename=name, content_type=plan.content_type.split(";")[0], url=result.url)]
        elif link := await self._storage.link(result.key, self._link_time):
            context["url"] = link
        else:
            context["place"] = result.url
        return SendEmail(
            to=job.email_to,
            template="report-ready",
            context=context,
            locale=plan.layout.locale[:35],
            attachments=attachments,
        )


def _file_name(plan: ReportPlan) -> str:
    name = plan.file_name
    stem = "".join(" " if not character.isprintable() or character in '/\\:*?"<>|' else character for character in name)
    kept = " ".join(stem.split())
    return kept if len(kept) <= _LONGEST_NAME else kept[: _LONGEST_NAME - 10] + "…" + kept[-6:]


def _derived(kind: str, job_id: str) -> str:
    return hashlib.sha256(f"{kind}\0{job_id}".encode()).hexdigest()[:32]
