"""What became of each mail for each recipient, and the suppression list. This module is the port."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class RecipientOutcome(StrEnum):
    """What became of a mail for one recipient."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"  # refused for now
    REFUSED = "refused"  # refused for good
    NO_SUCH_USER = "no such user"  # refused for good, and the next mail to this address would be too
    SUPPRESSED = "suppressed"  # not tried: the address is on the list


@dataclass(frozen=True, slots=True)
class MailKey:
    """Which mail: the same over retries, crashes and replays."""

    queue: str
    job_id: str


@dataclass(frozen=True, slots=True)
class DeliveryEntry:
    """What became of a mail for one recipient, in which round (0, or the number of the replay)."""

    recipient: str
    outcome: RecipientOutcome
    answer: str
    round: int = 0


@dataclass(frozen=True, slots=True)
class DeliveryHistory:
    """What is known before a mail is sent, by recipient. A recipient of whom nothing is known is absent."""

    entries: Mapping[str, DeliveryEntry]
    suppressed: Mapping[str, str]  # why the address is on the list


class DeliveryLog(Protocol):
    """Remembers outcomes and suppressed addresses. Addresses are compared without regard to case."""

    async def history(self, mail: MailKey, recipients: Sequence[str]) -> DeliveryHistory:
        """What is known about these recipients of this mail."""

    async def record(self, mail: MailKey, entries: Sequence[DeliveryEntry]) -> None:
        """Remember outcomes, in one transaction that is stored when this returns.

        A newer entry for a recipient replaces the older one. No such user: the address goes on the suppression
        list. Delivered: it comes off.
        """

    async def suppress(self, address: str, reason: str) -> None:
        """Put an address on the list; the first reason stays."""
