"""The composition root of the audit service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.runtime import Adapters
from postroom.runtime.assembly import Runtime, run
from services.audit.events import EventLog
from services.audit.handlers import worker
from services.audit.sql_events import SqlEventLog


@asynccontextmanager
async def adapters(runtime: Runtime) -> AsyncIterator[Adapters]:
    """What the handler is given."""
    yield {EventLog: SqlEventLog(runtime.database)}


def main() -> None:
    """Serve until told to stop."""
    run(worker, adapters)
