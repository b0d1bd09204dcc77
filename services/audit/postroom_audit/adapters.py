"""The composition root of the audit service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.runtime.assembly import Runtime
from postroom.worker import Adapters
from postroom_audit.events import EventLog
from postroom_audit.sql_events import SqlEventLog


@asynccontextmanager
async def adapters(runtime: Runtime) -> AsyncIterator[Adapters]:
    """What the handler is given."""
    yield {EventLog: SqlEventLog(runtime.database)}
