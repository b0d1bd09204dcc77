"""Puts the report service together: the only file that knows which adapters are the real ones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.runtime.assembly import Runtime
from postroom.settings import read_settings
from postroom.storage.object_storage import ObjectStorage
from postroom.worker import Adapters
from postroom_report.events import ReportEvents
from postroom_report.handlers import CHILDREN
from postroom_report.planning import Planner
from postroom_report.render_process import RenderLimits, RenderProcess
from postroom_report.report_service import ReportService
from postroom_report.runs.sql import SqlRuns
from postroom_report.settings import ReportSettings
from postroom_report.storage import ReportStorage
from postroom_report.work_folder import open_work_folder


@asynccontextmanager
async def adapters(runtime: Runtime) -> AsyncIterator[Adapters]:
    """What the handlers need, for as long as the service runs."""
    settings = read_settings(ReportSettings)
    planner = Planner(settings, runtime.settings)
    storage = ReportStorage(ObjectStorage(settings.prefix(runtime.settings.data_dir)))
    events = ReportEvents(runtime.publisher, storage, settings.link_time, settings.attach_limit_bytes)
    render_process = RenderProcess(RenderLimits(settings.memory_mib, settings.time_limit_seconds), CHILDREN)
    with open_work_folder() as work_folder:
        yield {
            ReportService: ReportService(
                planner, render_process, work_folder, storage, SqlRuns(runtime.database), events
            )
        }
