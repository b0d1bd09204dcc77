"""Hands mails to a mail server. This module is the port; SMTP and the console are beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class SmtpStage(StrEnum):
    """The SMTP command that the server replied to: MAIL FROM, RCPT TO or DATA."""

    SENDER = "sender"
    RECIPIENT = "recipient"
    CONTENT = "content"


@dataclass(frozen=True, slots=True)
class MailEnvelope:
    """A mail as a server is given it. Addresses are plain mailboxes."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    needs_smtputf8: bool = False


@dataclass(frozen=True, slots=True)
class SmtpReply:
    """The server's reply for one recipient: its code, `550`, and its text, `5.1.1 no such user`."""

    recipient: str
    code: int
    text: str
    stage: SmtpStage = SmtpStage.CONTENT

    @property
    def is_accepted(self) -> bool:
        """The server has taken responsibility for delivery to this recipient."""
        return 200 <= self.code < 300

    @property
    def is_temporary(self) -> bool:
        """Refused for now."""
        return 400 <= self.code < 500

    @property
    def says_no_such_user(self) -> bool:
        """The mailbox does not exist (RFC 3463, 5.1.1), and will not for the next mail."""
        return self.stage is SmtpStage.RECIPIENT and self.code >= 500 and self.text.startswith("5.1.1")

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip()


class Mailer(Protocol):
    """Sends mails."""

    async def send(self, envelope: MailEnvelope) -> Sequence[SmtpReply]:
        """Send a mail. Returns one reply for each recipient.

        Raises MailServersUnavailable when no server can be reached, before anything was sent; AnswerLost when
        the connection broke after the content was sent.
        """
