"""What a process says of the provider that its handlers work with."""

from typing import ClassVar

from pydantic import AwareDatetime, Field

from postroom.wire.messages.base import Event


class CircuitOpened(Event):
    """A process took its provider to be away and stopped trying. Published again each minute while that lasts.

    Attributes:
        instance: the process, among those of the service.
        reason: what the provider answered, or that it did not. `since`: when that began.
    """

    kind: ClassVar[str] = "circuit.opened"

    service: str = Field(max_length=255)
    instance: str = Field(max_length=255)
    reason: str
    since: AwareDatetime


class CircuitClosed(Event):
    """The process found its provider back, and goes on with all it held."""

    kind: ClassVar[str] = "circuit.closed"

    service: str = Field(max_length=255)
    instance: str = Field(max_length=255)
    since: AwareDatetime
    at: AwareDatetime
