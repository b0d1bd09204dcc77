"""Hands texts to a provider. This module is the port; there is one module per provider."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Text:
    """One text message as a gateway is given it: checked, normalised, ready to be sent.

    Attributes:
        to: E.164, `+491511234567`.
        content: what the phone shows.
        reference: the same for each try of one job; the idempotency key where the provider has one.
        sender: a sender id or number; the gateway's own when absent.
        expires_at: passed on to providers that can then drop the text.
    """

    to: str
    content: str
    reference: str
    sender: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has taken responsibility. `provider_ids` are what its receipts will name: one for each part
    where it numbers the parts of a long text."""

    gateway: str
    provider_ids: tuple[str, ...]


class DeliveryProgress(StrEnum):
    """How far a text, or one part of it, has come."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider reports later about one text or one part of it. `reason` is its code and words."""

    gateway: str
    provider_id: str
    progress: DeliveryProgress
    reason: str | None = None


class Gateway(Protocol):
    """Sends texts.

    Attributes:
        name: as in logs, receipts and the database: `twilio`, `sns`, `smpp`, `http`, `console`.
        knows_references: the provider recognises a reference it has seen and sends nothing twice.
    """

    name: str
    knows_references: bool

    async def deliver(self, text: Text) -> Accepted:
        """Hand over one text, once.

        Raises (postroom_sms.errors):
            GatewayThrottled: too many at once; carries for how long to send nothing at all.
            GatewayUnavailable: refused, timed out before the request had left, login refused, 5xx for everything:
                it was certainly not sent, and the next gateway may be tried.
            TextDeferred: refused for now, this text.
            TextRefused, NumberRefused, RecipientOptedOut: refused for good.
            AnswerLost: the request left and no readable answer came: it may have been sent.
        """
