"""What there is to tell on one channel, and the port that knows it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from postroom_alerting.incidents.incident import Incident


class News(StrEnum):
    """What happened to a incident since the channel was told last."""

    NEW = "new"
    MORE = "more"
    CAME_BACK = "came back"
    RESOLVED = "resolved"
    CLEARED = "cleared"
    ESCALATED = "escalated"
    DIGEST = "digest"

    @property
    def is_good(self) -> bool:
        """Whether it is over."""
        return self in {News.RESOLVED, News.CLEARED}


@dataclass(frozen=True, slots=True)
class Item:
    """One incident in an alert.

    Attributes:
        new: deaths that this channel has not been told of. since: when it was told last; at first, `first_at`.
        interval: until it may be told of more.
        role: as whom the channel is told.
        quiet_until: when another change of the incident's state may be told, once this is.
    """

    incident: Incident
    news: News
    new: int
    since: datetime
    interval: timedelta
    role: str
    quiet_until: datetime


@dataclass(frozen=True, slots=True)
class Alert:
    """What a channel is to be told, in one message. Held by whoever claimed it, until its lease ends.

    Attributes:
        items: one, or those of a digest.
        tries: notifications of this that failed already.
        token: who holds it.
    """

    channel: str
    items: tuple[Item, ...]
    is_digest: bool
    tries: int
    token: str


class NewsLog(Protocol):
    """What each channel has been told, and what not yet."""

    async def claim(self, channel: str, now: datetime, *, lease: timedelta) -> Alert | None:
        """An alert that is due on `channel`, for this caller alone until `now + lease`.

        Due at once, each by itself: what opened, came back, was resolved or has cleared, and what is still open
        when it is to be escalated. When ten of that were told within a quarter of an hour, the rest joins the next
        digest, and an escalation makes one. A incident that comes and goes is told of twice, beginning and end, then
        once in each interval. More of what was told is due as one digest of all such groups, when their intervals
        are over. Nothing is due that is muted.
        """
        ...

    async def told(self, alert: Alert, now: datetime) -> None:
        """The channel has it."""
        ...

    async def put_off(self, alert: Alert, until: datetime) -> None:
        """The channel did not take it: it is due again at `until`."""
        ...
