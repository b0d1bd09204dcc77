"""The port to a channel: what is sent to it, and how it fails."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from postroom.wire.errors import PostroomError
from postroom_alerting.classification import IncidentSeverity
from postroom_alerting.notify.notifications import Reason


@dataclass(frozen=True, slots=True)
class Notification:
    """What a person reads. It contains no secret, no whole address and no payload.

    Attributes:
        title: one line.
        body: all of it as plain text: facts, then commands, then links.
        facts: pairs of a name and a line of text.
        commands: commands to type next.
        links: pairs of a label and a URL.
        details: the same for programs: docs/alerting.md lists the fields.
        parts: of a digest, each change of state as a notification of its own.
    """

    title: str
    body: str = ""
    reason: Reason = Reason.NEW
    severity: IncidentSeverity = IncidentSeverity.WARNING
    facts: tuple[tuple[str, str], ...] = ()
    commands: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple["Notification", ...] = ()


class NotificationFailed(PostroomError):
    """A channel did not take a notification. The text names the channel, never its URL."""


class Notifier(Protocol):
    """Sends notifications to one channel."""

    @property
    def channel(self) -> str:
        """The channel's name in the database and in logs: stable over restarts, at most 64 characters, no secret."""
        ...

    async def notify(self, notification: Notification) -> None:
        """Send it. Returns when the channel has taken it, or raises NotificationFailed; does not block."""
        ...
