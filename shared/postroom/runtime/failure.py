"""Why a try failed, as it is logged, recorded and published."""

from dataclasses import dataclass

from postroom.privacy.redaction import redact
from postroom.runtime.places import place_of


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a try failed, and how many tries its message has in all."""

    error: BaseException
    attempts: int

    @property
    def type_name(self) -> str:
        """The error's class, as operators group by it."""
        return type(self.error).__name__

    @property
    def text(self) -> str:
        """The error's words, without secrets."""
        return redact(str(self.error)) or self.type_name

    @property
    def place(self) -> str | None:
        """Where in the code it was raised; None for what no code raised."""
        return place_of(self.error)
