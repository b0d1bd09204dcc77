"""Makes one HTTP call. This page is the port; the real one and the console lie beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from postroom_webhook.urls import Target

READ_BYTES = 64 * 1024
"""Of an answer that nobody needs whole: enough for most to be read to their end, so that the connection stays."""


@dataclass(frozen=True, slots=True)
class Call:
    """What to send, how long it may take in all, and how many bytes of the answer's body are read at most."""

    method: str
    target: Target
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    time_limit: timedelta = timedelta(seconds=15)
    read_bytes: int = READ_BYTES


class Ending(StrEnum):
    """How the body of an answer ended."""

    COMPLETE = "complete"
    CAPPED = "capped"  # there was more than was to be read
    BROKEN_OFF = "broken off"  # by the receiver, or by the time limit


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Names of headers are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    ending: Ending = Ending.COMPLETE


class Caller(Protocol):
    """Calls receivers. Follows no redirects, keeps no cookies."""

    async def call(self, call: Call) -> Answer:
        """The answer, whatever its status: an answer whose body does not come to its end is one too.

        Raises AddressNotAllowed, ReceiverUntrusted or ReceiverUnreachable, ReceiverTimedOut; the first two before
        anything was sent.
        """
