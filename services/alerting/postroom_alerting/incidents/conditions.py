"""What is not as it should be with the installation, for as long as it lasts; and the port that keeps it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Severity(StrEnum):
    """How much it matters to whoever is told."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that is wrong now: one alert when it begins, one when it has cleared by itself.

    Attributes:
        key: the same for as long as it lasts, and when it comes back: `queue-without-consumers email.send`.
        kind: what rules match: `queue-without-consumers`.
        subject: the queue, service or node it is about.
        text: what is wrong, in one line, with its figures. They may change while it lasts.
        advice: what to do, or the command to type.
        since: when it began, as far as known.
    """

    key: str
    kind: str
    subject: str
    severity: Severity
    text: str
    advice: str
    since: datetime


class ConditionLog(Protocol):
    """The conditions that last, and who has been told of them."""

    async def observe(self, source: str, conditions: Sequence[Condition], now: datetime) -> None:
        """All that `source` sees now. What it saw before and sees no more has cleared.

        What lasts already is brought up to date without being told again. Several processes may observe the same.
        """
        ...

    async def sources(self) -> Collection[str]:
        """The sources that see something wrong, whichever process observed it last."""
        ...
