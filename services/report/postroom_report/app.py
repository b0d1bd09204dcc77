"""Puts the report service together: the only file that knows which adapters are the real ones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.runtime import Adapters
from postroom.runtime.assembly import Runtime, run
from postroom.settings import read_settings
from postroom.storage.object_storage import ObjectStorage
from services.report.announcing import Announcer
from services.report.clerk import Clerk
from services.report.handlers import CHILDREN, worker
from services.report.planning import Planner
from services.report.press import Limits, Press
from services.report.runs.sql import SqlRuns
from services.report.settings import ReportSettings
from services.report.storage import ReportStorage
from services.report.workplace import open_workplace


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


def main() -> None:
    """Run the service until it is told to stop."""
    run(worker, adapters)
