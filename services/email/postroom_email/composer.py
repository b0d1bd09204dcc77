"""Composes the bytes of a mail from a job."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from postroom.wire.errors import InvalidMessage
from postroom.wire.messages import SendEmail
from postroom_email.addresses import Address, Recipients, parse_address
from postroom_email.attachments import load_attachments
from postroom_email.errors import InvalidHeader, SenderNotAllowed
from postroom_email.headers import address_header, check_value, custom_headers, text_header
from postroom_email.mime import body
from postroom_email.rendering import ContentRenderer, MailContent
from postroom_email.signing import Signer
from postroom_email.storage import StoredObjects

_WEB_URL = re.compile(r"https?://[!-;=?-~]+")  # printable ASCII without the angle brackets that enclose it


@dataclass(frozen=True, slots=True)
class AllowedSenders:
    """Which senders may be in From.

    Attributes:
        default: when a job names no sender.
        allowed: further mailboxes, `news@example.com`, or whole domains, `@example.com`; lower case.
    """

    default: Address
    allowed: frozenset[str] = frozenset()

    def choose(self, requested: str | None) -> Address:
        """The sender of a mail. Raises SenderNotAllowed for one that is not in the lists."""
        if requested is None:
            return self.default
        address = parse_address("from", requested)
        permitted = {self.default.mailbox.lower(), *self.allowed}
        if permitted.isdisjoint({address.mailbox.lower(), f"@{address.domain.lower()}"}):
            raise SenderNotAllowed(
                f"from: {address.mailbox} may not send; allowed are EMAIL_SENDER and EMAIL_ALLOWED_SENDERS"
            )
        return address


@dataclass(frozen=True, slots=True)
class Mail:
    """A finished mail: what goes over the wire, and the envelope's sender."""

    sender: str
    content: bytes
    needs_smtputf8: bool


class Composer:
    """Makes mails.

    Args:
        senders: which senders may be in From.
        renderer: makes content of templates.
        storage: where attachments by URL are read.
        signer: signs what is finished.
        attachment_limit: bytes of all attachments of a mail together.
    """

    def __init__(
        self,
        senders: AllowedSenders,
        renderer: ContentRenderer,
        storage: StoredObjects,
        signer: Signer,
        attachment_limit: int,
    ) -> None:
        self._senders = senders
        self._renderer = renderer
        self._storage = storage
        self._signer = signer
        self._attachment_limit = attachment_limit

    async def compose(self, job: SendEmail, recipients: Recipients, reference: str) -> Mail:
        """The mail a job asks for. `reference` makes its Message-ID: the same one gives the same id.

        Raises InvalidMessage or a subclass naming the field that is wrong, and AttachmentStorageUnavailable.
        """
        sender = self._senders.choose(job.sender)
        reply_to = [parse_address("reply_to", job.reply_to)] if job.reply_to else []
        headers = [
            address_header("From", [sender]),
            *(address_header(name, some) for name, some in (("To", recipients.to), ("Cc", recipients.cc)) if some),
            *(address_header("Reply-To", reply_to) for _ in reply_to),
            text_header("Date", format_datetime(datetime.now(UTC))),
            text_header("Message-ID", f"<{reference}@{sender.domain}>"),
            _unsubscribe_headers(job.unsubscribe_url),
            custom_headers(job.headers),
        ]
        content = await self._content(job)
        files = await load_attachments(job.attachments, self._storage, self._attachment_limit)
        headers.append(text_header("Subject", content.subject))
        addresses = (sender, *reply_to, *recipients.to, *recipients.cc, *recipients.bcc)
        return Mail(
            sender=sender.mailbox,
            content=self._signer.sign(b"".join(headers) + body(content.text, content.html, files)),
            needs_smtputf8=any(address.needs_smtputf8 for address in addresses),
        )

    async def _content(self, job: SendEmail) -> MailContent:
        if job.template is None:
            content = MailContent(job.subject or "", job.body, job.html)
        elif job.body is not None or job.html is not None:
            raise InvalidMessage("body: give either a template, or body and html")
        else:
            context = {"unsubscribe_url": job.unsubscribe_url, **job.context}
            content = await self._renderer.render(job.template, job.locale, context)
            content = MailContent(job.subject or content.subject, content.text, content.html)
        check_value("subject", content.subject)
        for field, text in (("body", content.text), ("html", content.html)):
            if text and "\0" in text:
                raise InvalidMessage(f"{field}: NUL characters are not allowed in a mail")
        return content


def _unsubscribe_headers(url: str | None) -> bytes:
    if url is None:
        return b""
    if not _WEB_URL.fullmatch(url):
        raise InvalidHeader("unsubscribe_url: an http(s) URL is needed, percent-encoded, without spaces")
    header = text_header("List-Unsubscribe", f"<{url}>", "unsubscribe_url")
    if url.startswith("https://"):  # RFC 8058 allows the one-click form for https only
        header += text_header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
    return header
