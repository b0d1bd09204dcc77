"""What people do with dead letters."""

from typing import ClassVar

from pydantic import AwareDatetime, Field

from postroom.wire.messages.base import Event


class DeadLetterReplayed(Event):
    """A person replays dead letters; published before they are moved.

    Attributes:
        queue: where they died, without `.dead`.
        replays: of each message, how often it was replayed, this time included.
        by: who, as `name@host`. `at`: when.
        was: of a message that was edited, its body before that, masked.
    """

    kind: ClassVar[str] = "dead-letter.replayed"

    queue: str = Field(max_length=255)
    message_ids: list[str] = Field(min_length=1, max_length=500)
    replays: dict[str, int] = Field(default_factory=dict)
    by: str = Field(max_length=255)
    at: AwareDatetime
    was: str | None = None


class DeadLetterDiscarded(Event):
    """A person deletes dead letters for good; published before they are deleted.

    Attributes:
        queue: where they died, without `.dead`.
        by: who, as `name@host`. `at`: when. `reason`: as the person gave it.
    """

    kind: ClassVar[str] = "dead-letter.discarded"

    queue: str = Field(max_length=255)
    message_ids: list[str] = Field(min_length=1, max_length=500)
    by: str = Field(max_length=255)
    at: AwareDatetime
    reason: str
