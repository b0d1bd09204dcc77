"""Puts the webhook service together: the only file that knows which adapters are the real ones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.runtime import Adapters
from postroom.runtime.assembly import Runtime, run
from postroom.settings import read_settings
from services.webhook.attempts.sql import SqlAttemptLog
from services.webhook.caller.choice import open_caller
from services.webhook.courier import Courier
from services.webhook.handlers import worker
from services.webhook.hosts import HostLanes
from services.webhook.settings import WebhookSettings
from services.webhook.sync.ledger import SyncLedger
from services.webhook.sync.syncer import Syncer


@asynccontextmanager
async def adapters(runtime: Runtime) -> AsyncIterator[Adapters]:
    """What the handlers need, for as long as the service runs."""
    settings = read_settings(WebhookSettings)
    attempts = SqlAttemptLog(runtime.database, settings.keep_attempts)
    lanes = HostLanes(settings.per_host, patience=settings.timeout)
    ledger, sources = SyncLedger(runtime.database), settings.sources()
    async with open_caller(settings) as caller:
        yield {
            Courier: Courier(caller, lanes, settings.signing(), attempts, settings.timeout),
            Syncer: Syncer(caller, sources, ledger, runtime.publisher, settings.sync_max_bytes, settings.sync_timeout),
        }


def main() -> None:
    """Run the service until it is told to stop."""
    run(worker, adapters)
