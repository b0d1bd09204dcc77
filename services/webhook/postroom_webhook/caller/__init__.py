"""Makes one HTTP call. This module is the port; the real one and the console are beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from postroom_webhook.urls import HttpTarget

READ_BYTES = 64 * 1024
"""Read of a response whose body is not needed: most end within it, so that their connection can be kept."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What to send. `time_limit` is for the whole call, `read_bytes` for the response's body."""

    method: str
    target: HttpTarget
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    time_limit: timedelta = timedelta(seconds=15)
    read_bytes: int = READ_BYTES


class BodyEnding(StrEnum):
    """How the body of a response ended."""

    COMPLETE = "complete"
    CAPPED = "capped"  # there was more than was to be read
    BROKEN_OFF = "broken off"  # by the receiver, or by the time limit


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What the receiver answered. Names of headers are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    ending: BodyEnding = BodyEnding.COMPLETE


class Caller(Protocol):
    """Calls receivers. Follows no redirects, keeps no cookies."""

    async def call(self, request: HttpRequest) -> HttpResponse:
        """Make the call. Returns the response, whatever its status, also when its body is not complete.

        Raises AddressNotAllowed, ReceiverUntrusted or ReceiverUnreachable, ReceiverTimedOut; the first two before
        anything was sent.
        """
