"""Puts the scheduler together."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from postroom.runtime.assembly import Runtime
from postroom.runtime.background import in_background
from postroom.settings import DispatchSettings, JobRunner, read_settings
from postroom.worker import Adapters
from postroom_scheduler.api import open_api
from postroom_scheduler.file import FileWatch
from postroom_scheduler.lateness import LatenessReporter, SqlLateness
from postroom_scheduler.scheduler import Scheduler, WallClock
from postroom_scheduler.settings import SchedulerSettings
from postroom_scheduler.sql_schedules import SqlSchedules
from postroom_scheduler.sql_ticks import SqlTicks


@asynccontextmanager
async def adapters(runtime: Runtime) -> AsyncIterator[Adapters]:
    """What the handlers need; and the scheduler at work."""
    settings, clock = read_settings(SchedulerSettings), WallClock()
    schedules, ticks = SqlSchedules(runtime.database), SqlTicks(runtime.database)
    is_on_call = read_settings(DispatchSettings).runner is JobRunner.QUEUE
    scheduler = Scheduler(ticks, runtime.publisher, clock, runtime.problems, is_on_call=is_on_call)
    owed = SqlLateness(runtime.database, far_jobs_only=is_on_call)
    lateness = LatenessReporter(owed.overdue, runtime.publisher)
    file = FileWatch(settings.schedules_file, schedules, clock, scheduler.wake)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, file.reload)
    async with open_api(settings, schedules, clock, scheduler.wake), AsyncExitStack() as stack:
        for work in (scheduler.fire(), file.watch(), lateness.keep_publishing()):
            in_background(stack, work, runtime.give_up)
        yield {SqlSchedules: schedules, SqlTicks: ticks}
