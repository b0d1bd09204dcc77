"""The composition root of the audit service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.audit.events import EventLog
from services.audit.handlers import worker
from services.audit.sql_events import SqlEventLog
from shared.worker import Adapters
from shared.worker.runtime import Runtime, run


@asynccontextmanager
async def adapters(runtime: Runtime) -> AsyncIterator[Adapters]:
    """What the handler is given."""
    yield {EventLog: SqlEventLog(runtime.database)}


def main() -> None:
    """Serve until told to stop."""
    run(worker, adapters)
