"""Conditions: what is wrong with the installation, for as long as it lasts; and the port that records them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from postroom_alerting.classification import IncidentSeverity


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that is wrong now. People are notified when it begins and when it has cleared by itself.

    Attributes:
        key: stays the same while it lasts and when it comes back: `queue-without-consumers email.send`.
        kind: what rules match: `queue-without-consumers`.
        subject: the queue, service or node it is about.
        text: what is wrong, in one line. Its figures may change while it lasts.
        advice: what to do, or the command to type.
        since: when it began, or the earliest time known.
    """

    key: str
    kind: str
    subject: str
    severity: IncidentSeverity
    text: str
    advice: str
    since: datetime


class ConditionLog(Protocol):
    """Records conditions as incidents."""

    async def observe(self, source: str, conditions: Sequence[Condition], now: datetime) -> None:
        """Record all conditions that `source` sees now. Those that it saw before and no longer sees have cleared.

        A condition that lasts is updated, and nobody is notified again. Several processes may observe the same source.
        """
        ...

    async def sources(self) -> Collection[str]:
        """The sources with open conditions, whichever process observed them."""
        ...
