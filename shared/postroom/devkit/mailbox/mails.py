"""The mails that the server received, and the answers it is scripted to give."""

import time
from collections import deque
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cached_property
from typing import Literal

HANG_UP = "hang up"
"""As an answer: none at all, the connection is closed instead."""


@dataclass(frozen=True)
class ReceivedMail:
    """One mail as it came."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    connection: int  # counts from 1
    over_tls: bool
    login: str | None
    received_at: float = field(default_factory=time.time)

    @cached_property
    def message(self) -> EmailMessage:
        """The content, parsed."""
        return message_from_bytes(self.content, policy=default)

    @property
    def subject(self) -> str:
        """The subject, decoded."""
        return str(self.message["Subject"])

    def text(self, kind: Literal["plain", "html"] = "plain") -> str:
        """The body of that kind, decoded; empty if there is none."""
        part = self.message.get_body((kind,))
        return str(part.get_content()) if part else ""


class Script:
    """Answers to give, one after the other; each once, several times, or for ever."""

    def __init__(self) -> None:
        self._lines: deque[tuple[str, int | None]] = deque()

    def add(self, answer: str, times: int | None) -> None:
        """Give `answer` so many times after all that was added before; None is for ever."""
        if times is None or times > 0:
            self._lines.append((answer, times))

    def next(self) -> str | None:
        """The answer to give now; None when there is no script, or all of it was given."""
        if not self._lines:
            return None
        answer, times = self._lines[0]
        if times is not None:
            self._lines.popleft()
            if times > 1:
                self._lines.appendleft((answer, times - 1))
        return answer

    def clear(self) -> None:
        """Remove all answers."""
        self._lines.clear()
