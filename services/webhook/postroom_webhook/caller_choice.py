"""The caller that WEBHOOK_CALLS names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom_webhook.caller import Caller
from postroom_webhook.caller.console import ConsoleCaller
from postroom_webhook.caller.http import http_caller
from postroom_webhook.settings import WebhookSettings


@asynccontextmanager
async def open_caller(settings: WebhookSettings) -> AsyncIterator[Caller]:
    """A caller, with its connections closed afterwards. Raises ConfigurationError for a wrong setting."""
    if settings.calls == "console":
        yield ConsoleCaller()
        return
    async with http_caller(settings.allowed(), ca_file=settings.ca_file) as caller:
        yield caller
