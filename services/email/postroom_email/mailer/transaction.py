"""One mail over one open SMTP connection, and what each answer means."""

from collections.abc import Sequence

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from postroom_email.errors import AnswerLost
from postroom_email.mailer import MailEnvelope, SmtpReply, SmtpStage

CLOSING = 421
LOGIN_MISSING = frozenset((530, 535))
NO_SMTPUTF8 = "5.6.7 this server takes no internationalised addresses"
LONGEST_TEXT = 200
CONTENT_PATIENCE = 4
"""Servers look at content before they answer: it gets this many times a command's time-out."""


class ServerAway(Exception):
    """The server said or showed that it takes no mail now. Nothing was sent. The text is for operators."""


async def transact(client: SMTP, envelope: MailEnvelope, timeout_seconds: float) -> Sequence[SmtpReply]:
    """Send one mail; one answer per recipient.

    Raises ServerAway while nothing was sent, AnswerLost once the content was. What comes after the content may
    be about the content: it never counts as the server being away.
    """
    try:
        refusal = await _open(client, envelope)
        if refusal is not None:
            code, text = refusal
            return [SmtpReply(recipient, code, text, SmtpStage.SENDER) for recipient in envelope.recipients]
        answers = [await _ask(client, recipient, envelope) for recipient in envelope.recipients]
    except SMTPResponseException as error:
        raise ServerAway(f"{error.code} {server_words(error.message)}") from None
    except (SMTPException, OSError) as error:
        raise ServerAway(failure_words(error)) from None
    accepted = [answer.recipient for answer in answers if answer.is_accepted]
    if not accepted:
        return answers
    code, text = await _send_content(client, envelope.content, timeout_seconds)
    return [SmtpReply(a.recipient, code, text) if a.is_accepted else a for a in answers]


async def _open(client: SMTP, envelope: MailEnvelope) -> tuple[int, str] | None:
    options = []
    if envelope.needs_smtputf8:
        if not client.supports_extension("smtputf8"):
            return 553, NO_SMTPUTF8
        options += ["SMTPUTF8", "BODY=8BITMIME"]
    if client.supports_extension("size"):
        options.append(f"SIZE={len(envelope.content)}")
    try:
        await client.mail(envelope.sender, options=options, encoding=_encoding(envelope))
    except SMTPSenderRefused as error:
        if error.code in LOGIN_MISSING:
            raise ServerAway(f"it wants a login: {error.code} {server_words(error.message)}") from None
        if error.code == CLOSING or error.code < 0:
            raise
        return error.code, server_words(error.message)
    return None


async def _ask(client: SMTP, recipient: str, envelope: MailEnvelope) -> SmtpReply:
    try:
        code, message = await client.rcpt(recipient, encoding=_encoding(envelope))
    except SMTPRecipientRefused as error:
        if error.code == CLOSING or error.code < 0:
            raise
        code, message = error.code, error.message
    return SmtpReply(recipient, code, server_words(message), SmtpStage.RECIPIENT)


async def _send_content(client: SMTP, content: bytes, timeout_seconds: float) -> tuple[int, str]:
    try:
        code, message = await client.data(content, timeout=timeout_seconds * CONTENT_PATIENCE)
    except SMTPDataError as error:
        code, message = error.code, error.message
    except (SMTPException, OSError) as error:
        raise AnswerLost(f"the mail was sent, the server's answer never came: {failure_words(error)}") from None
    return code, server_words(message)


def _encoding(envelope: MailEnvelope) -> str:
    return "utf-8" if envelope.needs_smtputf8 else "ascii"


def server_words(message: str) -> str:
    """A server's words in one printable line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in message).split())
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"


def failure_words(error: Exception) -> str:
    """A client library's error in one line; its class where it has no words."""
    return server_words(str(error)) or type(error).__name__
