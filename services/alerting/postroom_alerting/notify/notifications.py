"""What is due on a channel, and the port that knows what each channel was last notified of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from postroom_alerting.incidents.incident import Incident


class Reason(StrEnum):
    """What happened to an incident since the channel was last notified of it."""

    NEW = "new"
    MORE = "more"
    CAME_BACK = "came back"
    RESOLVED = "resolved"
    CLEARED = "cleared"
    ESCALATED = "escalated"
    DIGEST = "digest"

    @property
    def is_recovery(self) -> bool:
        """Whether the incident is over."""
        return self in {Reason.RESOLVED, Reason.CLEARED}


@dataclass(frozen=True, slots=True)
class IncidentUpdate:
    """One incident in a notification.

    Attributes:
        new: deaths since the channel was last notified.
        since: when the channel was last notified; the first time, when the incident's first death was.
        interval: how long the channel is not notified of more deaths after this.
        role: the receiver's role, see NotificationStateRow.
        quiet_until: until when the channel is not notified of another change of state after this.
    """

    incident: Incident
    reason: Reason
    new: int
    since: datetime
    interval: timedelta
    role: str
    quiet_until: datetime


@dataclass(frozen=True, slots=True)
class DueNotification:
    """A notification to be sent to one channel, claimed by one process until its lease ends.

    Attributes:
        updates: one, or several in a digest.
        tries: how often sending it has failed already.
        token: identifies the claim.
    """

    channel: str
    updates: tuple[IncidentUpdate, ...]
    is_digest: bool
    tries: int
    token: str


class NotificationLog(Protocol):
    """What each channel was notified of, and what is due."""

    async def claim(self, channel: str, now: datetime, *, lease: timedelta) -> DueNotification | None:
        """A notification that is due on `channel`, claimed for this caller until `now + lease`.

        Due at once, each by itself: an incident opened, came back, was resolved or has cleared, or is to be escalated.
        After ten such notifications within a quarter of an hour, further changes join the next digest, and an
        escalation makes a digest due. An incident that comes and goes is due at its first two beginnings and ends, then
        once in each interval. More deaths of open incidents are due as one digest, when the incidents' intervals are
        over. Nothing is due of an incident that is silenced.
        """
        ...

    async def mark_sent(self, due: DueNotification, now: datetime) -> None:
        """The channel has taken it."""
        ...

    async def postpone(self, due: DueNotification, until: datetime) -> None:
        """The channel has not taken it: it is due again at `until`."""
        ...
