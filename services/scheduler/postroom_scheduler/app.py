"""Puts the scheduler together."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.runtime import Adapters
from postroom.runtime.assembly import Runtime, run
from postroom.settings import read_settings
from postroom.standalone import run_locally
from postroom.standalone.dispatch import DispatchSettings, JobRunner, read_runner
from services.scheduler.api import open_api
from services.scheduler.file import FileWatch
from services.scheduler.handlers import worker
from services.scheduler.lateness import LatenessTelling, SqlLateness
from services.scheduler.scheduler import Scheduler, WallClock
from services.scheduler.settings import SchedulerSettings
from services.scheduler.sql_schedules import SqlSchedules
from services.scheduler.sql_ticks import SqlTicks


@asynccontextmanager
async def adapters(runtime: Runtime) -> AsyncIterator[Adapters]:
    """What the handlers need; and the scheduler at work."""
    settings, clock = read_settings(SchedulerSettings), WallClock()
    schedules, ticks = SqlSchedules(runtime.database), SqlTicks(runtime.database)
    is_on_call = read_settings(DispatchSettings).runner is JobRunner.QUEUE
    scheduler = Scheduler(ticks, runtime.publisher, clock, runtime.problems, is_on_call=is_on_call)
    owed = SqlLateness(runtime.database, far_jobs_only=is_on_call)
    lateness = LatenessTelling(owed.overdue, runtime.publisher)
    file = FileWatch(settings.schedules_file, schedules, clock, scheduler.wake)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, file.reload)
    async with open_api(settings, schedules, clock, scheduler.wake):
        works = (scheduler.fire(), file.watch(), lateness.keep_telling())
        tasks = [asyncio.create_task(work) for work in works]
        try:
            yield {SqlSchedules: schedules, SqlTicks: ticks}
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def main() -> None:
    """Run the scheduler until it is told to stop; with JOB_RUNNER=cron, every service in this process."""
    if read_runner() is JobRunner.CRON:
        run_locally()
    run(worker, adapters)
