"""What can be wrong with a mail. The class names are what operators read in `x-error-type`.

TemporaryFailure
├── RecipientsDeferred      the server asks to come back later, for these recipients
├── AnswerLost              the content was sent, the server's answer never came
└── AttachmentStorageUnavailable  the object storage with an attachment is away
ProviderUnavailable
└── MailServersUnavailable  no configured mail server takes mail at the moment
PermanentFailure
├── RecipientsRefused       the server will not deliver to these recipients
├── RecipientsSuppressed    every recipient is on the suppression list
└── InvalidMessage
    ├── InvalidAddress
    ├── InvalidHeader
    ├── InvalidAttachment
    ├── SenderNotAllowed
    ├── UnknownTemplate
    └── TemplateFailed
"""

from postroom.wire.errors import InvalidMessage, PermanentFailure, ProviderUnavailable, TemporaryFailure


class RecipientsDeferred(TemporaryFailure):
    """Some recipients were refused for now. The next try goes to those only."""


class AnswerLost(TemporaryFailure):
    """The connection broke after the content was sent: the mail may or may not be on its way.

    It is tried again with the same Message-ID, by which most receivers recognise the double.
    """


class AttachmentStorageUnavailable(TemporaryFailure):
    """The object storage with an attachment did not answer."""


class MailServersUnavailable(ProviderUnavailable):
    """Every configured mail server is away, refuses the login or cannot be trusted. The text names each."""


class RecipientsRefused(PermanentFailure):
    """Some recipients were refused for good. A replay goes to those only."""


class RecipientsSuppressed(PermanentFailure):
    """Every recipient is on the suppression list. A replay tries them all the same."""


class InvalidAddress(InvalidMessage):
    """An address is not valid."""


class InvalidHeader(InvalidMessage):
    """A header is one that we own, or is no header."""


class InvalidAttachment(InvalidMessage):
    """An attachment is not base64, too large, or not in the storage."""


class SenderNotAllowed(InvalidMessage):
    """`from` is neither EMAIL_SENDER nor in EMAIL_ALLOWED_SENDERS."""


class UnknownTemplate(InvalidMessage):
    """No template has that name."""


class TemplateFailed(InvalidMessage):
    """The template could not be rendered with this context."""
