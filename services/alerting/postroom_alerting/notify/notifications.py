"""What there is to tell on one channel, and the port that knows it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from postroom_alerting.incidents.conditions import Severity
from postroom_alerting.rules.routes import About


class News(StrEnum):
    """What happened to a concern since the channel was told last."""

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
class Concern:
    """A group of failures, or a condition, as it is now.

    Attributes:
        key: what `postroom alerts` and, of a group, `postroom dead --group` take.
        name, what: queue and error type, or subject and kind of condition.
        text: the newest error in full, masked; or what is wrong.
        place: where in the code. advice: of a condition, what to do.
        total: deaths since `first_at`. unsettled: messages that are dead still.
        last_hour, hour_before: deaths in the last hour, and in the one before.
        message_ids: a few of the newest of those that are dead.
    """

    key: str
    about: About
    name: str
    what: str
    severity: Severity
    text: str
    is_open: bool
    first_at: datetime
    opened_at: datetime
    last_at: datetime
    closed_at: datetime | None = None
    closed_by: str = ""
    episode: int = 1
    total: int = 0
    unsettled: int = 0
    last_hour: int = 0
    hour_before: int = 0
    place: str = ""
    advice: str = ""
    message_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One concern in an alert.

    Attributes:
        new: deaths that this channel has not been told of. since: when it was told last; at first, `first_at`.
        interval: until it may be told of more.
        role: as whom the channel is told.
        quiet_until: when another change of the concern's state may be told, once this is.
    """

    concern: Concern
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
        digest, and an escalation makes one. A concern that comes and goes is told of twice, beginning and end, then
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
