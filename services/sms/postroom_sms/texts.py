"""The state of each text, and the numbers that have opted out. This is the port; sql_texts.py has the tables."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from postroom_sms.gateway import Accepted, DeliveryProgress, Receipt


class TextState(StrEnum):
    """Where a text is."""

    SENDING = "sending"  # handed to a gateway at this moment, or the process died meanwhile
    WAITING = "waiting"  # certainly not sent; tried again
    UNCERTAIN = "uncertain"  # the gateway's answer was lost: it may have been sent
    REFUSED = "refused"  # certainly not sent, for good
    ACCEPTED = "accepted"  # by a gateway
    DELIVERED = "delivered"  # to the phone, all its parts
    UNDELIVERED = "undelivered"  # a part of it, for good

    @property
    def is_sent(self) -> bool:
        """A gateway has taken responsibility."""
        return self in (TextState.ACCEPTED, TextState.DELIVERED, TextState.UNDELIVERED)

    @property
    def is_doubtful(self) -> bool:
        """It may have been sent: no answer says so."""
        return self in (TextState.SENDING, TextState.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class TextKey:
    """Which text: the same over retries, crashes and replays."""

    queue: str
    job_id: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is recorded when a text is about to be sent. `round` is 0, or the number of the replay."""

    number: str
    sender: str | None
    encoding: str
    segments: int
    round: int = 0


@dataclass(frozen=True, slots=True)
class PreviousTry:
    """What was known of a text before it was begun: its last state, by whom and in which round it was tried."""

    state: TextState
    gateway: str | None = None
    round: int = 0


@dataclass(frozen=True, slots=True)
class Begun:
    """The answer to `begin`: `before` is None for a new text; `opted_out` is why its number is on the list."""

    before: PreviousTry | None = None
    opted_out: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """A text's end, as receipts reported it. `progress` is delivered or undelivered."""

    key: TextKey
    to: str  # masked
    gateway: str
    progress: DeliveryProgress
    reason: str | None = None


class Texts(Protocol):
    """Remembers texts, their parts, and numbers that have opted out. A method returns when its change is
    stored, and waits while the database is away."""

    async def begin(self, key: TextKey, facts: Facts) -> Begun:
        """Mark a text as SENDING, unless it is sent already or its number has opted out."""

    async def not_sent(
        self, key: TextKey, state: TextState, reason: str, *, gateway: str | None = None, may_be_double: bool = False
    ) -> None:
        """Write down that a text begun is WAITING, REFUSED or UNCERTAIN; of an uncertain one, whose answer was
        lost. A text that may have arrived and is sent again is marked as `may_be_double`, for good."""

    async def accepted(self, key: TextKey, accepted: Accepted, *, may_be_double: bool = False) -> Ended | None:
        """Record that a gateway took a text. Returns its end, if receipts that came before reported it."""

    async def receive(self, receipt: Receipt) -> Ended | None:
        """Record a receipt. Returns the text's end if this receipt ended it: once per text.

        Delivered: all its parts are. Undelivered: one part is, whatever is reported of the others later. A part's end
        stays the first one that was reported. A receipt whose text is not known yet is kept for it.
        """

    async def opt_out(self, number: str, reason: str) -> None:
        """Put a number (E.164) on the list of those that get no texts; the first reason stays."""

    async def not_announced(self, limit: int) -> list[Ended]:
        """Texts that ended a while ago without `announced` having been called for them."""

    async def announced(self, key: TextKey) -> None:
        """A text's end has been published."""


class ReceiptHandler(Protocol):
    """Receives what providers report about texts."""

    async def take(self, receipt: Receipt) -> None:
        """Write a receipt down; it is stored when this returns.

        Receipts may come twice, out of order, before the acceptance was recorded, or for unknown texts:
        all are kept, and none is an error. Raises when the database does not take it: the
        provider is to report it again.
        """
