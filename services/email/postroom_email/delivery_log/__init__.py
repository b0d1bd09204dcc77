"""What is known about recipients: who got which mail, and who is not written to. This page is the port."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
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
class Entry:
    """What became of a mail for one recipient, in which round (0, or the number of the replay)."""

    recipient: str
    outcome: Outcome
    answer: str
    round: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known before a mail is sent. Both by recipient; those nothing is known of are absent."""

    entries: Mapping[str, Entry]
    suppressed: Mapping[str, str]  # why the address is on the list


class Ledger(Protocol):
    """Remembers outcomes and suppressed addresses. Addresses are compared without regard to case."""

    async def standing(self, mail: MailKey, recipients: Sequence[str]) -> Standing:
        """What is known about these recipients of this mail."""

    async def record(self, mail: MailKey, entries: Sequence[Entry]) -> None:
        """Remember outcomes, in one transaction that is stored when this returns.

        A newer entry for a recipient replaces the older one. No such user: the address goes on the suppression
        list. Delivered: it comes off.
        """

    async def suppress(self, address: str, reason: str) -> None:
        """Put an address on the list; the first reason stays."""
