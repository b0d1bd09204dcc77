"""The result of each try of a delivery, for people who look into one. This module is the port."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

KEPT_BYTES = 4096
"""Of each response."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call. The path is without its query, which may hold secrets."""

    message_id: str
    attempt: int
    replays: int
    at: datetime
    host: str
    path: str
    status: int | None  # None: there was no answer
    error: str | None
    response: str
    milliseconds: int


class AttemptLog(Protocol):
    """Keeps the last attempts of each message."""

    async def record(self, attempt: Attempt) -> None:
        """Keep `attempt`; stored when this returns. The oldest beyond the last N of its message are forgotten."""

    async def of(self, message_id: str) -> list[Attempt]:
        """The attempts of a message that are kept, oldest first."""


def kept_text(body: bytes, content_encoding: str | None = None) -> str:
    """The beginning of a response as text that any database takes."""
    if content_encoding and content_encoding.lower() != "identity":
        return f"({len(body)} bytes or more, encoded as {content_encoding[:20]!r} though nobody asked for that)"
    return body[:KEPT_BYTES].decode(errors="replace").replace("\0", "\ufffd")
