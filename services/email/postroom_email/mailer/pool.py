"""Open connections to one mail server, kept for the next mail."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPConnectResponseError, SMTPException, SMTPHeloError

from postroom.wire.errors import PostroomError
from postroom_email.mailer import MailEnvelope, SmtpReply
from postroom_email.mailer.transaction import CLOSING, ServerAway, failure_words, server_words, transact
from postroom_email.smtp_servers import SmtpServer

IDLE_SECONDS = 15.0
"""Kept this long without a mail. Firewalls drop idle connections silently, some within a minute."""
FULL_SECONDS = 30.0
"""After the server had no room for one more connection, how long until it is asked again."""
CONNECT_SECONDS = 10.0
QUIT_SECONDS = 1.0


AccessToken = Callable[[str], Awaitable[str]]
"""The OAuth2 access token of a credential, by its name. Raises PostroomError when there is none."""


class ConnectionPool:
    """Sends over at most `size` connections at a time.

    A kept connection that turns out to be closed is replaced without an error: the first command of a mail fails,
    and nothing was sent by then.
    """

    def __init__(
        self,
        server: SmtpServer,
        *,
        size: int,
        timeout_seconds: float,
        tls: ssl.SSLContext,
        access_token: AccessToken | None = None,
    ) -> None:
        self.server = server
        self._access_token = access_token
        self._timeout_seconds = timeout_seconds
        self._tls = tls
        self._slots = asyncio.Semaphore(size)
        self._busy = 0  # connections in use or being made
        self._away_at = 0.0  # when a connection could not be made; time.monotonic()
        self._away_why = ""
        self._idle: list[tuple[float, SMTP]] = []  # the most recently used last
        self._sweep: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def send(self, envelope: MailEnvelope) -> Sequence[SmtpReply]:
        """Send one mail. Raises ServerAway and AnswerLost, see transact."""
        asked_at = time.monotonic()
        async with self._slots:
            if (kept := self._take_kept()) is not None:
                with contextlib.suppress(ServerAway):  # gone while it lay idle, or its time was up
                    return await self._use(kept, envelope)
            if self._away_at > asked_at:  # found out while this mail waited: it need not find out once more
                raise ServerAway(self._away_why)
            try:
                client = await self._connect()
            except ServerAway as error:
                self._away_at, self._away_why = time.monotonic(), str(error)
                raise
            return await self._use(client, envelope)

    async def close(self) -> None:
        """Send QUIT on every kept connection."""
        if self._sweep:
            self._sweep.cancel()
        for _, client in self._idle:
            self._leave(client)
        self._idle.clear()
        if self._closing:
            await asyncio.wait(self._closing)

    async def _use(self, client: SMTP, envelope: MailEnvelope) -> Sequence[SmtpReply]:
        self._busy += 1
        try:
            answers = await transact(client, envelope, self._timeout_seconds)
            if not any(answer.is_accepted for answer in answers):
                await _reset(client)
        except BaseException:
            # Broken, or cancelled in between: the server may be anywhere in the conversation.
            client.close()
            raise
        finally:
            self._busy -= 1
        if client.is_connected:
            self._keep(client)
        return answers

    async def _connect(self) -> SMTP:
        while True:
            self._busy += 1
            try:
                return await self._dial()
            except SMTPConnectResponseError as error:
                if error.code != CLOSING or (self._busy == 1 and not self._idle):
                    raise ServerAway(f"{error.code} {server_words(error.message)}") from None
            except SMTPAuthenticationError as error:
                # Without the server's words: some repeat what they were given.
                raise ServerAway(f"the login was refused ({error.code}); check user and password") from None
            except ssl.SSLCertVerificationError as error:
                raise ServerAway(f"its certificate cannot be trusted: {error.verify_message}") from None
            except (SMTPException, OSError) as error:
                raise ServerAway(failure_words(error)) from None
            finally:
                self._busy -= 1
            # The server serves our other connections and has no room for one more: this slot rests, and the
            # mail waits for another's.
            asyncio.get_running_loop().call_later(FULL_SECONDS, self._slots.release)
            await self._slots.acquire()
            if (kept := self._take_kept()) is not None:
                return kept

    async def _dial(self) -> SMTP:
        server = self.server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls == "implicit",
            start_tls=server.tls == "starttls",
            tls_context=self._tls,
            username=server.user,
            password=server.password.get_secret_value() if server.user and not server.token else None,
            oauth_token_generator=self._token if server.token else None,
            local_hostname=_own_name(),
            timeout=self._timeout_seconds,
        )
        await client.connect(timeout=min(CONNECT_SECONDS, self._timeout_seconds))
        try:
            if client.is_ehlo_or_helo_needed:
                await _greet(client)
        except BaseException:
            client.close()
            raise
        return client

    async def _token(self) -> str:
        assert self.server.token is not None  # noqa: S101 - only then aiosmtplib asks
        if self._access_token is None:
            raise ServerAway(f"there is nowhere to find the token {self.server.token}")
        try:
            return await self._access_token(self.server.token)
        except PostroomError as error:
            raise ServerAway(str(error)) from None

    def _take_kept(self) -> SMTP | None:
        while self._idle:
            since, client = self._idle.pop()
            if client.is_connected and time.monotonic() - since < IDLE_SECONDS:
                return client
            self._leave(client)
        return None

    def _keep(self, client: SMTP) -> None:
        self._idle.append((time.monotonic(), client))
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._let_go)

    def _let_go(self) -> None:
        """Close connections that were idle for too long."""
        self._sweep = None
        newest = time.monotonic() - IDLE_SECONDS
        for since, client in self._idle:
            if since <= newest:
                self._leave(client)
        self._idle = [(since, client) for since, client in self._idle if since > newest]
        if self._idle:
            wait = self._idle[0][0] - newest
            self._sweep = asyncio.get_running_loop().call_later(wait, self._let_go)

    def _leave(self, client: SMTP) -> None:
        task = asyncio.get_running_loop().create_task(_quit(client))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _greet(client: SMTP) -> None:
    try:
        await client.ehlo()
    except SMTPHeloError:
        await client.helo()


async def _reset(client: SMTP) -> None:
    try:
        await client.rset()
    except SMTPException:  # the answers stand, the connection does not
        client.close()


async def _quit(client: SMTP) -> None:
    with contextlib.suppress(SMTPException, OSError):
        if client.is_connected:
            await client.quit(timeout=QUIT_SECONDS)
    client.close()


def _own_name() -> str:
    """What we call ourselves in EHLO; no look-up, which may hang."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
