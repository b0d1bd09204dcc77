"""The jobs and the events of the SMS service."""

from typing import Annotated, ClassVar

from pydantic import Field

from postroom.wire.messages.base import Event, Job

PhoneNumber = Annotated[str, Field(min_length=3, max_length=40)]
"""E.164, `+491511234567`, or as people write it; local numbers where SMS_REGION says of which country. The SMS service
checks it in full."""


class SendSms(Job):
    """Deliver one text message."""

    kind: ClassVar[str] = "sms.send"
    recipient_fields: ClassVar[tuple[str, ...]] = ("to",)

    to: PhoneNumber
    message: str = Field(min_length=1)
    sender: str | None = Field(default=None, max_length=16)


class SmsDelivered(Event):
    """A text arrived at the phone, all its parts. `id` is the job's; `to` is masked."""

    kind: ClassVar[str] = "sms.delivered"

    id: str
    to: str
    gateway: str


class SmsUndelivered(Event):
    """A text that a gateway had accepted did not arrive, or a part of it. `reason` is the provider's."""

    kind: ClassVar[str] = "sms.undelivered"

    id: str
    to: str
    gateway: str
    reason: str | None = None
