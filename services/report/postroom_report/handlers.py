"""What the report service does: one function per kind of message."""

from datetime import timedelta

from postroom.wire.messages import CancelReport, GenerateReport
from postroom.wire.retries import RetryPolicy, exponential
from postroom.worker import Delivery, Keep, Worker
from postroom_report.report_service import ReportService

worker = Worker("report")

CHILDREN = 2
"""Reports made at once by one process, each in a child process of its own."""

# 5 tries wait 10 + 20 + 40 + 80 s = 2.5 min: a database that restarts is back by then.
PATIENT = RetryPolicy(attempts=5, backoff=exponential(timedelta(seconds=10)))

# REPORT_TIME_LIMIT_SECONDS for making it, and the rest for storing and publishing. The broker's own limit is 30 min.
TIME_LIMIT = timedelta(minutes=25)


@worker.handles(GenerateReport, retry=PATIENT, prefetch=CHILDREN, time_limit=TIME_LIMIT, history=Keep.ALWAYS)
async def generate_report(job: GenerateReport, reports: ReportService, delivery: Delivery) -> None:
    """Make a report and put it into object storage."""
    await reports.make(job, delivery)


@worker.handles(CancelReport, prefetch=10, needs_provider=False)
async def cancel_report(job: CancelReport, reports: ReportService) -> None:
    """Stop a report, or do not begin it."""
    await reports.cancel(job.report_id)
