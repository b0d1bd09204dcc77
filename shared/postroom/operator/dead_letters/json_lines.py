"""A dead letter as one line of JSON, whole enough to be put back as it was.

Header values that JSON does not have are objects with one name: `{"$time": …}`, `{"$bytes": base64}`,
`{"$decimal": …}`, `{"$float": "nan"}`; a table that has such a name itself is `{"$table": {…}}`. A body that is no
UTF-8 text is `body_base64`. Nothing is masked.
"""

import base64
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import aio_pika
import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from postroom import wire
from postroom.operator.dead_letters.reading import QueuedDeadLetter
from postroom.operator.dead_letters.target import ReplayTarget
from postroom.wire.broker_headers import headers_as_dead
from postroom.wire.dead_letter import name_by_content
from postroom.wire.errors import ConfigurationError
from postroom.wire.messages import describe_problems


class _Properties(BaseModel):
    model_config = ConfigDict(extra="forbid")

    message_id: str | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    priority: int | None = None
    correlation_id: str | None = None
    reply_to: str | None = None
    expiration: float | None = None  # seconds
    timestamp: AwareDatetime | None = None
    type: str | None = None
    app_id: str | None = None


class _JsonLine(BaseModel):
    model_config = ConfigDict(extra="ignore")  # what a person may read in it, and a later version may add

    postroom: Literal[1]  # the format's version
    queue: str = Field(min_length=1, max_length=wire.MAX_SHORT_BYTES)
    routing_key: str = ""
    properties: _Properties
    headers: dict[str, Any]
    body: str | None = None
    body_base64: bytes | None = None

    @model_validator(mode="after")
    def _has_one_body(self) -> "_JsonLine":
        if (self.body is None) == (self.body_base64 is None):
            raise ValueError("either body or body_base64 is needed")
        return self


@dataclass(frozen=True, slots=True)
class ImportedDeadLetter:
    """A dead letter from a file. `id` is what `QueuedDeadLetter.id` would be."""

    id: str
    queue: str
    message: aio_pika.Message


def as_line(found: QueuedDeadLetter, target: ReplayTarget) -> bytes:
    """One line, with its end."""
    message, letter = found.message, found.letter
    line = {
        "postroom": 1,
        "queue": target.source,
        "id": found.id,
        "kind": letter.kind,
        "group": letter.cause.key,
        "error_type": letter.error_type,
        "error": letter.error,
        "failed_at": letter.failed_at,
        "routing_key": message.routing_key or "",
        "properties": {
            name: value for name in _Properties.model_fields if (value := getattr(message, name)) is not None
        },
        "headers": {name: _as_json(value) for name, value in message.headers.items()},
        **_body(message.body),
    }
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def stored_in(line: bytes) -> ImportedDeadLetter:
    """The dead letter of a line. Raises ConfigurationError that says what is wrong with it."""
    try:
        read = _JsonLine.model_validate_json(line)
        body = base64.b64decode(read.body_base64, validate=True) if read.body_base64 else (read.body or "").encode()
        headers = {name: _from_json(value) for name, value in headers_as_dead(read.headers).items()}
    except ValidationError as error:
        raise ConfigurationError(describe_problems(error)) from None
    except (ValueError, TypeError, AttributeError, ArithmeticError) as error:
        raise ConfigurationError(f"a value in it is not what its name says ({error})") from None
    if read.queue == wire.UNROUTED_QUEUE and (read.routing_key != read.queue or wire.X_ROUTING_KEY not in headers):
        headers[wire.X_ROUTING_KEY] = read.routing_key  # the job's kind; it is put there by the queue's own name
    properties = read.properties.model_dump()
    message = aio_pika.Message(
        body, headers=headers, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, **properties
    )  # not its user_id: the broker takes none but the connection's own
    return ImportedDeadLetter(read.properties.message_id or name_by_content(body), read.queue, message)


def _body(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}


def _as_json(value: Any) -> Any:
    match value:
        case list():
            return [_as_json(item) for item in value]
        case dict():
            table = {name: _as_json(item) for name, item in value.items()}
            return {"$table": table} if any(name.startswith("$") for name in table) else table
    return _tagged(value)


def _tagged(value: Any) -> Any:
    match value:
        case bytes() | bytearray():
            return {"$bytes": base64.b64encode(value).decode()}
        case datetime():
            return {"$time": value.isoformat()}
        case Decimal():
            return {"$decimal": str(value)}
        case float() if not math.isfinite(value):
            return {"$float": str(value)}
    return value


def _bytes(text: str) -> bytearray:
    return bytearray(base64.b64decode(text, validate=True))


_READERS: dict[str, Callable[[str], Any]] = {
    "$bytes": _bytes,
    "$time": datetime.fromisoformat,
    "$decimal": Decimal,
    "$float": float,
}


def _single(table: dict[str, Any]) -> tuple[str, Any]:
    return next(iter(table.items())) if len(table) == 1 else ("", None)


def _from_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    tag, inner = _single(value)
    if tag in _READERS:
        return _READERS[tag](inner)
    table = inner if tag == "$table" else value
    return {name: _from_json(item) for name, item in table.items()}
