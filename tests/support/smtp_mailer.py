"""The real mailer for tests, and a mail to send with it."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from postroom.tls import trusted_authorities
from postroom_email.mailer import MailEnvelope
from postroom_email.mailer.smtp import SmtpMailer, smtp_mailer
from postroom_email.smtp_servers import parse_servers
from tests.support.patience import REACTION, seconds

ADA = "ada@example.com"
CONTENT = b"Subject: Hello\r\n\r\nHello\r\n"


def mailer_for(
    urls: str, *, ca_file: Path | None = None, connections: int = 4, timeout: float | None = None, rest: float = 3600.0
) -> AbstractAsyncContextManager[SmtpMailer]:
    """A mailer for these servers, as patient as this machine needs."""
    return smtp_mailer(
        parse_servers(urls),
        connections=connections,
        timeout_seconds=timeout or seconds(REACTION),
        tls=trusted_authorities(ca_file, "EMAIL_CA_FILE"),
        rest_seconds=rest,
    )


def envelope(*recipients: str, content: bytes = CONTENT, utf8: bool = False) -> MailEnvelope:
    """A mail to these recipients, or to Ada."""
    return MailEnvelope("me@example.com", recipients or (ADA,), content, utf8)
