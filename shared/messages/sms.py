"""What the SMS service is asked to do."""

from typing import Annotated, ClassVar

from pydantic import Field

from shared.messages.base import Job

PhoneNumber = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$")]
"""E.164: `+491511234567`."""


class SendSms(Job):
    """Deliver one text message."""

    kind: ClassVar[str] = "sms.send"

    to: PhoneNumber
    message: str = Field(min_length=1)
    sender: str | None = Field(default=None, max_length=15)
