"""Fakes of the e-mail service's ports, and builders of what goes into it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from postroom.wire.messages import SendEmail
from postroom.worker import Delivery
from postroom_email.addresses import parse_address
from postroom_email.composer import AllowedSenders, Composer
from postroom_email.delivery_log import DeliveryEntry, DeliveryHistory, DeliveryLog, MailKey, RecipientOutcome
from postroom_email.errors import InvalidAttachment, TemplateFailed, UnknownTemplate
from postroom_email.mail_sender import MailSender
from postroom_email.mailer import MailEnvelope, Mailer, SmtpReply, SmtpStage
from postroom_email.rendering import MailContent
from postroom_email.signing import Unsigned


class RecordingMailer:
    """Keeps envelopes; accepts every recipient that it was not told to answer otherwise."""

    def __init__(self) -> None:
        self.sent: list[MailEnvelope] = []
        self.recipients: list[tuple[str, ...]] = []  # whom each mail was taken for
        self.refusals: dict[str, tuple[int, str]] = {}
        self.content_answer = (250, "2.0.0 accepted")
        self.error: Exception | None = None

    async def send(self, envelope: MailEnvelope) -> Sequence[SmtpReply]:
        if self.error:
            raise self.error
        answers = [
            SmtpReply(recipient, *self.refusals[recipient], SmtpStage.RECIPIENT)
            if recipient in self.refusals
            else SmtpReply(recipient, *self.content_answer)
            for recipient in envelope.recipients
        ]
        if accepted := tuple(answer.recipient for answer in answers if answer.is_accepted):
            self.sent.append(envelope)
            self.recipients.append(accepted)
        return answers


class MemoryDeliveryLog:
    """The delivery log in memory."""

    def __init__(self) -> None:
        self.entries: dict[tuple[MailKey, str], DeliveryEntry] = {}
        self.suppressed: dict[str, str] = {}

    async def history(self, mail: MailKey, recipients: Sequence[str]) -> DeliveryHistory:
        keys = {recipient: (mail, recipient.lower()) for recipient in recipients}
        return DeliveryHistory(
            {recipient: self.entries[key] for recipient, key in keys.items() if key in self.entries},
            {r: self.suppressed[r.lower()] for r in recipients if r.lower() in self.suppressed},
        )

    async def record(self, mail: MailKey, entries: Sequence[DeliveryEntry]) -> None:
        for entry in entries:
            address = entry.recipient.lower()
            self.entries[mail, address] = DeliveryEntry(address, entry.outcome, entry.answer, entry.round)
            if entry.outcome is RecipientOutcome.DELIVERED:
                self.suppressed.pop(address, None)
            elif entry.outcome is RecipientOutcome.NO_SUCH_USER:
                self.suppressed.setdefault(address, entry.answer)

    async def suppress(self, address: str, reason: str) -> None:
        self.suppressed.setdefault(address.lower(), reason)


class MemoryStorage:
    """Stored objects in memory."""

    def __init__(self, **objects: bytes) -> None:
        self.objects = {f"memory://{name}": content for name, content in objects.items()}

    async def read(self, url: str, limit: int) -> bytes:
        if url not in self.objects:
            raise InvalidAttachment("url: there is no such object in the storage")
        if len(self.objects[url]) > limit:
            raise InvalidAttachment(f"url: the object has {len(self.objects[url])} bytes, {limit} are left")
        return self.objects[url]


class StubRenderer:
    """Knows one template, `greeting`."""

    async def render(self, template: str, locale: str | None, context: Mapping[str, Any]) -> MailContent:
        if template != "greeting":
            raise UnknownTemplate(f"template: there is no {template!r}")
        if "name" not in context:
            raise TemplateFailed("template greeting (en): 'name' is undefined")
        return MailContent(
            f"Hello {context['name']}", f"Hello {context['name']} ({locale})", f"<p>{context['name']}</p>"
        )


def make_composer(**changes: Any) -> Composer:
    parts: dict[str, Any] = {
        "senders": AllowedSenders(parse_address("sender", "Postroom <no-reply@postroom.example>")),
        "renderer": StubRenderer(),
        "storage": MemoryStorage(),
        "signer": Unsigned(),
        "attachment_limit": 1_000_000,
    }
    return Composer(**(parts | changes))


def make_mail_sender(mailer: Mailer, delivery_log: DeliveryLog, **changes: Any) -> MailSender:
    return MailSender(mailer, delivery_log, make_composer(**changes))


def make_send_email(**changes: Any) -> SendEmail:
    fields = {"to": "ada@example.com", "subject": "Hello", "body": "Hello Ada"}
    return SendEmail.model_validate(fields | changes)


def make_delivery(job: SendEmail | None = None, **changes: Any) -> Delivery:
    """A first delivery of `email.send`."""
    fields: dict[str, Any] = {
        "queue": "email.send",
        "body": json.dumps(job.to_wire() if job else {}).encode(),
        "message_id": "job-1",
        "content_type": "application/json",
        "headers": {},
        "exchange": "jobs",
        "routing_key": "email.send",
        "tag": 1,
    }
    return Delivery(**(fields | changes))
