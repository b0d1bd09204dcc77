"""One thing that a publisher gets wrong with a mail, and how it is made.

Some of it no decent client library sends; `Raw` and `RawTime` make this one send it.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

GOOD = {"to": "ada@example.com", "subject": "Your receipt", "body": "Thank you."}
INJECTION = "x\r\nBcc: victim@example.com"


class Raw(str):
    """Bytes where the client library wants text."""

    __slots__ = ("raw",)

    def __new__(cls, raw: bytes) -> Self:
        made = super().__new__(cls, raw.decode("latin-1"))
        made.raw = raw
        return made

    def encode(self, *_: Any) -> bytes:  # type: ignore[override]
        return self.raw


class RawTime(datetime):
    """A time that no calendar has."""

    def timestamp(self) -> int:  # type: ignore[override]
        return 2**62


RAW_TIME = RawTime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Bad:
    """One mistake.

    Attributes:
        says: what `x-error` begins with or has in it: the field.
        error_type: what `x-error-type` says; InvalidMessage for all that breaks the contract as such.
    """

    id: str
    body: bytes
    says: str
    properties: dict[str, Any] = field(default_factory=dict)
    error_type: str = "InvalidMessage"


def mail(**changes: Any) -> bytes:
    """A good mail, spoiled."""
    return json.dumps({name: value for name, value in (GOOD | changes).items() if value is not ...}).encode()


def nested(depth: int) -> bytes:
    """A good mail with a context so deep."""
    return mail(context=...)[:-1] + b', "context": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"


def event(**changes: Any) -> dict[str, Any]:
    """A CloudEvent with a good mail in it, spoiled."""
    whole = {"specversion": "1.0", "id": "e-1", "type": "email.send", "source": "/shop", "data": GOOD} | changes
    body = json.dumps({name: value for name, value in whole.items() if value is not ...}).encode()
    return {"body": body, "properties": {"content_type": "application/cloudevents+json; charset=utf-8"}}


def headers(**values: Any) -> dict[str, Any]:
    """Properties with these headers, `_` written for `-`."""
    return {"headers": {name.replace("_", "-"): value for name, value in values.items()}}


def attachment(**changes: Any) -> bytes:
    """A mail with one attachment, spoiled."""
    file = {"filename": "a.txt", "content": "aGVsbG8="} | changes
    return mail(attachments=[{name: value for name, value in file.items() if value is not ...}])


def table_of_depth(depth: int) -> dict[str, Any]:
    """Tables in tables."""
    inner: Any = 1
    for _ in range(depth):
        inner = {"a": inner}
    return {"tenant": inner}


def from_now(**offset: float) -> datetime:
    return datetime.now(UTC) + timedelta(**offset)
