"""Events of other systems about their users."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from postroom.wire.messages.base import Event
from postroom.wire.messages.email import MailAddress


class UserCreated(Event):
    """Somebody signed up. `id` is the user's, as the publisher knows it."""

    kind: ClassVar[str] = "user.created"
    recipient_fields: ClassVar[tuple[str, ...]] = ("email", "phone")

    id: str | int
    email: MailAddress
    name: str | None = None
    phone: str | None = None
    locale: str | None = Field(default=None, max_length=35)


class UserPasswordResetRequested(Event):
    """Somebody asked for a new password. After `expires_at` the link is useless and no mail is sent."""

    kind: ClassVar[str] = "user.password_reset_requested"
    recipient_fields: ClassVar[tuple[str, ...]] = ("email",)

    id: str | int
    email: MailAddress
    reset_url: str = Field(pattern=r"^https?://", max_length=2000)
    expires_at: datetime | None = None


class UserOtpRequested(Event):
    """Somebody needs a one-time code. After `expires_at` it is useless and not sent."""

    kind: ClassVar[str] = "user.otp_requested"
    recipient_fields: ClassVar[tuple[str, ...]] = ("phone",)

    id: str | int
    phone: str
    code: str
    expires_at: datetime
