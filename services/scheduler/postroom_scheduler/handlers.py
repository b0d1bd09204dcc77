"""Commands to the scheduler from other programs, and the results of the jobs it published."""

from datetime import UTC, datetime

from postroom.wire.errors import PermanentFailure
from postroom.wire.messages import DeferJob, JobCompleted, JobFailed, RemoveSchedule, SetSchedule
from postroom.worker import Delivery, Worker
from postroom_scheduler.errors import BrokenSchedule, UnknownSchedule
from postroom_scheduler.sql_schedules import SqlSchedules
from postroom_scheduler.sql_ticks import SqlTicks

worker = Worker("scheduler")


@worker.handles(SetSchedule, needs_provider=False)
async def set_schedule(job: SetSchedule, schedules: SqlSchedules, delivery: Delivery) -> None:
    """Make or change a schedule."""
    try:
        await schedules.put(job, delivery.app_id or "a publisher", datetime.now(UTC))
    except BrokenSchedule as error:
        raise PermanentFailure(str(error)) from None


@worker.handles(RemoveSchedule, needs_provider=False)
async def remove_schedule(job: RemoveSchedule, schedules: SqlSchedules) -> None:
    """Remove a schedule or a far job; one that is not there is as wanted."""
    try:
        await schedules.remove(job.name)
    except UnknownSchedule:
        return
    except BrokenSchedule as error:
        raise PermanentFailure(str(error)) from None


@worker.handles(DeferJob, needs_provider=False)
async def defer_job(job: DeferJob, schedules: SqlSchedules) -> None:
    """Keep a far job until its time."""
    await schedules.defer(job, datetime.now(UTC))


@worker.listens(JobCompleted, needs_provider=False)
async def note_completed(event: JobCompleted, ticks: SqlTicks) -> None:
    """A tick's job is done: the next one may follow where they must not overlap."""
    await ticks.record_end(event.job_id, "done", event.completed_at)


@worker.listens(JobFailed, needs_provider=False)
async def note_failed(event: JobFailed, ticks: SqlTicks) -> None:
    """A tick's job is a dead letter."""
    if event.job_id is not None:
        await ticks.record_end(event.job_id, "dead", event.failed_at, f"{event.error_type}: {event.error}")
