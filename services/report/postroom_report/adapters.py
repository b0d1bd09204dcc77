"""Puts the report service together: the only file that knows which adapters are the real ones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.runtime import Adapters
from postroom.runtime.assembly import Runtime
from postroom.settings import read_settings
from postroom.storage.object_storage import ObjectStorage
from postroom_report.events import Announcer
from postroom_report.handlers import CHILDREN
from postroom_report.planning import Planner
from postroom_report.render_process import Limits, Press
from postroom_report.report_service import Clerk
from postroom_report.runs.sql import SqlRuns
from postroom_report.settings import ReportSettings
from postroom_report.storage import ReportStorage
from postroom_report.work_folder import open_workplace


@asynccontextmanager
async def adapters(runtime: Runtime) -> AsyncIterator[Adapters]:
    """What the handlers need, for as long as the service runs."""
    settings = read_settings(ReportSettings)
    planner = Planner(settings, runtime.settings)
    storage = ReportStorage(ObjectStorage(settings.prefix(runtime.settings.data_dir)))
    announcer = Announcer(runtime.publisher, storage, settings.link_time, settings.attach_limit_bytes)
    press = Press(Limits(settings.memory_mib, settings.time_limit_seconds), CHILDREN)
    with open_workplace() as workplace:
        yield {Clerk: Clerk(planner, press, workplace, storage, SqlRuns(runtime.database), announcer)}
