"""A clock that stands still, and a publisher that sends nothing."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from postroom.broker.publishing import Outgoing, PublishOptions
from postroom.broker.publishing.outgoing import NO_OPTIONS, address
from postroom.wire.messages import Message


@dataclass
class FrozenClock:
    """A clock that moves only by `advance`."""

    now: datetime = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The frozen moment."""
        return self.now

    def advance(self, by: timedelta) -> None:
        """Move it."""
        self.now += by


@dataclass
class RecordingPublisher:
    """A publisher that keeps what it is given instead of sending it."""

    published: list[Message] = field(default_factory=list)
    sent: list[Outgoing] = field(default_factory=list)

    async def publish(
        self, message: Message, *, message_id: str | None = None, options: PublishOptions = NO_OPTIONS
    ) -> str:
        """Keep `message`."""
        outgoing = address(message, message_id, options, "test")
        self.published.append(message)
        self.sent.append(outgoing)
        return outgoing.message_id
