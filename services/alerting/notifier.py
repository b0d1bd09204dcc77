"""The port through which people are told."""

from dataclasses import dataclass
from typing import Protocol

from shared.errors import PostroomError


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person reads: one line, and the details. It has no secret, no whole address and no payload in it."""

    title: str
    body: str


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
