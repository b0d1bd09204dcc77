"""The mailer that EMAIL_SMTP_URL names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.storage.tokens import TokenVault
from postroom.tls import trusted_authorities
from postroom_email.mailer import Mailer
from postroom_email.mailer.console import ConsoleMailer
from postroom_email.mailer.smtp import smtp_mailer
from postroom_email.settings import EmailSettings


@asynccontextmanager
async def open_mailer(settings: EmailSettings, tokens: TokenVault | None = None) -> AsyncIterator[Mailer]:
    """A mailer, with its connections closed afterwards. Raises ConfigurationError for a wrong setting."""
    if settings.prints:
        yield ConsoleMailer()
        return
    async with smtp_mailer(
        settings.servers(),
        connections=settings.connections,
        timeout_seconds=settings.timeout_seconds,
        tls=trusted_authorities(settings.ca_file, "EMAIL_CA_FILE"),
        access_token=tokens.access_token if tokens else None,
    ) as mailer:
        yield mailer
