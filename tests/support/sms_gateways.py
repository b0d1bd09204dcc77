"""A gateway for tests that do not want a provider: it keeps what it is given, and fails as it is told."""

from dataclasses import dataclass, field

from postroom_sms.gateway import Accepted, Text


@dataclass
class RecordingGateway:
    """Takes every text. Errors in `errors` are raised first, one for each text; `always` for all of them."""

    name: str = "fake"
    knows_references: bool = False
    texts: list[Text] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    always: Exception | None = None

    async def deliver(self, text: Text) -> Accepted:
        """See Gateway."""
        if self.errors:
            raise self.errors.pop(0)
        if self.always is not None:
            raise self.always
        self.texts.append(text)
        return Accepted(self.name, (f"{self.name}-{len(self.texts)}",))
