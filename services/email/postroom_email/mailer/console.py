"""A mailer for development: prints mails and reports them as delivered."""

import sys
from collections.abc import Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import TextIO

from postroom_email.mailer import MailEnvelope, SmtpReply


class ConsoleMailer:
    """Prints each mail.

    Args:
        output: where to; standard output when absent.
    """

    def __init__(self, output: TextIO | None = None) -> None:
        self._output = output

    async def send(self, envelope: MailEnvelope) -> Sequence[SmtpReply]:
        """See Mailer."""
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)  # noqa: S101 - what this policy makes
        lines = [f"── mail to {', '.join(envelope.recipients)}"]
        lines += [f"{name}: {message[name]}" for name in ("From", "To", "Cc", "Subject") if message[name]]
        body = message.get_body(("plain", "html"))
        lines += ["", body.get_content().rstrip() if body else ""]
        lines += [f"[attached: {part.get_filename()}]" for part in message.iter_attachments()]
        print("\n".join(lines), file=self._output or sys.stdout, flush=True)
        return [SmtpReply(recipient, 250, "printed") for recipient in envelope.recipients]
