"""The server: which mailboxes take mail, which answers are scripted, and what came."""

import asyncio
import contextlib
import ssl
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Self

from postroom.devkit.mailbox.mails import ReceivedMail, Script
from postroom.devkit.mailbox.session import SmtpSession, Tls
from postroom.patience import patience

PATIENCE = timedelta(seconds=30)
"""For mails that are on their way, where nothing else is asked for."""


class MailServer:
    """An SMTP server in the running event loop, on 127.0.0.1.

    Every mailbox exists and takes mail unless another answer is scripted. `async with` starts and stops it.

    Args:
        port: a free one when 0. It stays the same when the server goes away and comes back.
        tls: `starttls` demands it, `implicit` speaks nothing else; both need `certificate`.
        certificate: a server-side context.
        logins: users and passwords; when given, nobody sends without.
        keep: how many mails are kept, the newest; `count` counts all.
        on_mail: called with each mail as it is taken.

    Attributes:
        offers_smtputf8: whether internationalised addresses are taken.
        connection_limit: a connection beyond it is greeted with 421.
        content_delay_seconds: how long it thinks about each mail.
        connections: how many there were since the start.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        tls: Tls = "none",
        certificate: ssl.SSLContext | None = None,
        logins: Mapping[str, str] | None = None,
        keep: int | None = None,
        on_mail: Callable[[ReceivedMail], None] | None = None,
    ) -> None:
        self.port = port
        self.tls: Tls = tls
        self.certificate = certificate
        self.logins = logins
        self.offers_smtputf8 = True
        self.connection_limit: int | None = None
        self.content_delay_seconds = 0.0
        self.on_mail = on_mail
        self.mails: deque[ReceivedMail] = deque(maxlen=keep)
        self.count = 0
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._open: set[SmtpSession] = set()
        self._greeted: set[SmtpSession] = set()  # without those there was no room for
        self._all_closed = asyncio.Event()
        self._arrival = asyncio.Event()
        self._recipients: defaultdict[str, Script] = defaultdict(Script)
        self._greetings, self._senders, self._contents = Script(), Script(), Script()

    @property
    def url(self) -> str:
        """Where it listens, as EMAIL_SMTP_URL takes it."""
        scheme = "smtps" if self.tls == "implicit" else "smtp"
        return f"{scheme}://127.0.0.1:{self.port}" + ("?tls=starttls" if self.tls == "starttls" else "")

    async def __aenter__(self) -> Self:
        await self.come_back()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.go_away()

    def answer(self, mailbox: str, answer: str, *, times: int | None = None) -> None:
        """Answer RCPT TO for this mailbox so: `451 4.2.1 try later`, or HANG_UP.

        After that many times comes the answer scripted next; after the last it takes mail again. Without `times`:
        until it is repaired.
        """
        self._recipients[mailbox.lower()].add(answer, times)

    def answer_sender(self, answer: str, *, times: int | None = None) -> None:
        """Answer MAIL FROM so."""
        self._senders.add(answer, times)

    def answer_content(self, answer: str, *, times: int | None = None) -> None:
        """Answer the content so. With a code of 2xx, or HANG_UP, the mail is kept all the same."""
        self._contents.add(answer, times)

    def greet(self, answer: str, *, times: int | None = None) -> None:
        """Greet new connections so: `421 4.3.2 too busy`."""
        self._greetings.add(answer, times)

    def repair(self, mailbox: str) -> None:
        """The mailbox takes mail again."""
        self._recipients.pop(mailbox.lower(), None)

    def repair_all(self) -> None:
        """Forget all scripted answers."""
        self._recipients.clear()
        for script in (self._greetings, self._senders, self._contents):
            script.clear()

    async def come_back(self) -> None:
        """Listen, on the same port as before."""
        context = self.certificate if self.tls == "implicit" else None
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._converse, "127.0.0.1", self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def go_away(self) -> None:
        """Close all connections and stop listening: new ones are refused until it comes back."""
        if self._server is None:
            return
        self._server.close()
        self.hang_up()
        await self.quiet()
        await self._server.wait_closed()
        self._server = None

    def hang_up(self) -> None:
        """Close all open connections, and go on listening."""
        for conversation in list(self._open):
            conversation.hang_up()

    async def quiet(self, *, within_seconds: float | None = None) -> None:
        """Wait until no connection is open."""
        async with asyncio.timeout(within_seconds or patience(PATIENCE).total_seconds()):
            while self._open:
                self._all_closed.clear()
                await self._all_closed.wait()

    @property
    def open_connections(self) -> int:
        """How many there are now."""
        return len(self._open)

    def mails_to(self, mailbox: str) -> list[ReceivedMail]:
        """What this mailbox got, oldest first."""
        return [mail for mail in self.mails if mailbox.lower() in (to.lower() for to in mail.recipients)]

    async def received(
        self, count: int = 1, *, to: str | None = None, within_seconds: float | None = None
    ) -> list[ReceivedMail]:
        """Wait for that many mails, of one mailbox or of all. TimeoutError says how many came instead."""

        def found() -> list[ReceivedMail]:
            return list(self.mails) if to is None else self.mails_to(to)

        limit = within_seconds or patience(PATIENCE).total_seconds()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                while len(found()) < count:
                    self._arrival.clear()
                    await self._arrival.wait()
        if len(found()) < count:
            whose = f" for {to}" if to else ""
            raise TimeoutError(f"{len(found())} of {count} mails{whose} came within {limit:g} s")
        return found()

    # What a connection asks of its server.

    def opened(self, conversation: SmtpSession) -> None:
        """A connection is there."""
        self._open.add(conversation)

    def closed(self, conversation: SmtpSession) -> None:
        """It is gone."""
        self._open.discard(conversation)
        self._greeted.discard(conversation)
        if not self._open:
            self._all_closed.set()

    def greeting(self, conversation: SmtpSession) -> str | None:
        """The answer to a connection."""
        if self.connection_limit is not None and len(self._greeted) >= self.connection_limit:
            return "421 4.7.0 too many connections"
        self._greeted.add(conversation)
        return self._greetings.next()

    def to_sender(self) -> str | None:
        """The answer to MAIL FROM."""
        return self._senders.next()

    def to_recipient(self, mailbox: str) -> str | None:
        """The answer to RCPT TO."""
        script = self._recipients.get(mailbox.lower())
        return script.next() if script else None

    def to_content(self) -> str | None:
        """The answer to a mail."""
        return self._contents.next()

    def keep(self, mail: ReceivedMail) -> None:
        """A mail was taken."""
        self.mails.append(mail)
        self.count += 1
        self._arrival.set()
        if self.on_mail is not None:
            self.on_mail(mail)

    def _converse(self) -> SmtpSession:
        self.connections += 1
        return SmtpSession(self, self.connections)
