"""One SMTP connection, spoken by aiosmtpd, with the scripted answers of the server."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from postroom.devkit.mailbox.mails import HANG_UP, ReceivedMail

Tls = Literal["none", "starttls", "implicit"]
ACCEPTED = "250 2.0.0 accepted"


class Owner(Protocol):
    """The server, as a connection sees it. None as an answer is the usual one."""

    tls: Tls
    certificate: ssl.SSLContext | None
    logins: Mapping[str, str] | None
    offers_smtputf8: bool
    content_delay_seconds: float

    def opened(self, conversation: "SmtpSession") -> None:
        """A connection is there."""

    def closed(self, conversation: "SmtpSession") -> None:
        """It is gone."""

    def greeting(self, conversation: "SmtpSession") -> str | None:
        """The answer to a connection."""

    def to_sender(self) -> str | None:
        """The answer to MAIL FROM."""

    def to_recipient(self, mailbox: str) -> str | None:
        """The answer to RCPT TO."""

    def to_content(self) -> str | None:
        """The answer to a mail."""

    def keep(self, mail: ReceivedMail) -> None:
        """A mail was taken."""


class SmtpSession(SMTP):
    """One connection. `number` counts them, from 1."""

    def __init__(self, owner: Owner, number: int) -> None:
        self._owner = owner
        self._was_greeted = False
        super().__init__(
            _Hooks(owner, number),
            enable_SMTPUTF8=owner.offers_smtputf8,
            hostname="localhost",
            ident="Postroom mailbox",
            tls_context=owner.certificate if owner.tls == "starttls" else None,
            require_starttls=owner.tls == "starttls",
            auth_require_tls=owner.tls == "starttls",
            authenticator=_authenticator(owner.logins) if owner.logins is not None else None,
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the connection at the server; a second time after STARTTLS."""
        self._owner.opened(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Note its end at the server."""
        self._owner.closed(self)
        super().connection_lost(error)

    async def push(self, status: str | bytes) -> None:
        """Write an answer: the scripted greeting, and nothing more after 421."""
        answer = status.decode() if isinstance(status, bytes) else status
        if not self._was_greeted:
            self._was_greeted = True
            answer = self._owner.greeting(self) or answer
        if answer != HANG_UP:
            await super().push(answer)
        if answer == HANG_UP or answer.startswith("421"):
            self.hang_up()

    def hang_up(self) -> None:
        """Close the connection."""
        for transport in (self.transport, self._original_transport):
            if transport is not None:
                transport.close()
        if self._original_transport is not None and self.session is not None and self.session.ssl is None:
            # The TLS handshake failed or is under way: there would be no event for the end of the connection.
            if self._handler_coroutine is not None:
                self._handler_coroutine.cancel()
            self._owner.closed(self)


class _Hooks:
    """What aiosmtpd asks; the names are its own."""

    def __init__(self, owner: Owner, connection: int) -> None:
        self._owner = owner
        self._connection = connection

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._owner.logins is not None and not session.authenticated:
            return "530 5.7.0 authentication required"
        refusal = self._owner.to_sender()
        if refusal is not None:
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self._owner.to_recipient(address)
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self._owner.content_delay_seconds:
            await asyncio.sleep(self._owner.content_delay_seconds)
        answer = self._owner.to_content() or ACCEPTED
        if answer == HANG_UP or answer.startswith("2"):
            self._owner.keep(self._received(session, envelope))
        return answer

    def _received(self, session: Session, envelope: Envelope) -> ReceivedMail:
        return ReceivedMail(
            sender=envelope.mail_from or "",
            recipients=tuple(envelope.rcpt_tos),
            content=envelope.original_content or b"",
            connection=self._connection,
            over_tls=session.ssl is not None or self._owner.tls == "implicit",
            login=session.auth_data.login.decode() if isinstance(session.auth_data, LoginPassword) else None,
        )


def _authenticator(logins: Mapping[str, str]) -> Callable[..., AuthResult]:
    def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
        is_known = isinstance(data, LoginPassword) and logins.get(data.login.decode()) == data.password.decode()
        return AuthResult(success=is_known, handled=False, auth_data=data)

    return authenticate
