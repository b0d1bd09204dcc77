"""Puts the webhook service together: the only file that knows which adapters are the real ones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.runtime.assembly import Runtime
from postroom.settings import read_settings
from postroom.worker import Adapters
from postroom_webhook.attempts.sql import SqlAttemptLog
from postroom_webhook.caller_choice import open_caller
from postroom_webhook.host_limits import HostLimits
from postroom_webhook.settings import WebhookSettings
from postroom_webhook.sync.state import SyncState
from postroom_webhook.sync.syncer import Syncer
from postroom_webhook.webhook_sender import WebhookSender


@asynccontextmanager
async def adapters(runtime: Runtime) -> AsyncIterator[Adapters]:
    """What the handlers need, for as long as the service runs."""
    settings = read_settings(WebhookSettings)
    attempts = SqlAttemptLog(runtime.database, settings.keep_attempts)
    host_limits = HostLimits(settings.per_host, patience=settings.timeout)
    state, sources = SyncState(runtime.database), settings.sources()
    async with open_caller(settings) as caller:
        yield {
            WebhookSender: WebhookSender(caller, host_limits, settings.signing(), attempts, settings.timeout),
            Syncer: Syncer(caller, sources, state, runtime.publisher, settings.sync_max_bytes, settings.sync_timeout),
        }
