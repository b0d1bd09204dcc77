"""A real SMTP server on loopback that keeps what it receives and answers as it is scripted, for tests and the demo.

Needs aiosmtpd, which the extra `demo` installs.
"""

from postroom.devkit.mailbox.mails import HANG_UP, ReceivedMail
from postroom.devkit.mailbox.server import MailServer

__all__ = ["HANG_UP", "MailServer", "ReceivedMail"]
