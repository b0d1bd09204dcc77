"""The port through which people are told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from postroom.wire.errors import PostroomError
from postroom_alerting.classification import IncidentSeverity
from postroom_alerting.notify.notifications import News


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person reads. It has no secret, no whole address and no payload in it.

    Attributes:
        title: one line.
        body: all of it as plain text: facts, then commands, then links.
        facts: what there is to know, as pairs of a name and a line.
        commands: what to type next. links: pairs of a label and a URL.
        details: the same for programs: docs/alerting.md names the fields.
        parts: of a digest, each of its changes as a notice of its own.
    """

    title: str
    body: str = ""
    news: News = News.NEW
    severity: IncidentSeverity = IncidentSeverity.WARNING
    facts: tuple[tuple[str, str], ...] = ()
    commands: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple["Notice", ...] = ()


class NotificationFailed(PostroomError):
    """The channel did not take a notice. The text names the channel, never its URL."""


class Notifier(Protocol):
    """One channel. `channel` names it in the database and in logs, and has no secret in it."""

    @property
    def channel(self) -> str:
        """Stable over restarts, at most 64 characters."""
        ...

    async def notify(self, notice: Notice) -> None:
        """Tell. Returns when the channel has taken it, raises NotificationFailed otherwise; never blocks."""
        ...
