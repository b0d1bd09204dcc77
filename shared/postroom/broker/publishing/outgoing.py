"""What is handed to the broker: one AMQP message, complete."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import aio_pika
import orjson
from pamqp import encode

from postroom import wire
from postroom.wire.errors import InvalidPublish
from postroom.wire.messages import Job, Message

MAX_HEADER_BYTES = 64 * 1024
"""All headers together, well under the 128 KiB of one frame: a larger set would close the connection."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message for the wire. It is always persistent: a transient one does not survive in a dead queue."""

    exchange: str
    routing_key: str
    body: bytes
    message_id: str
    headers: Mapping[str, Any] = field(default_factory=dict)
    content_type: str | None = wire.JSON
    correlation_id: str | None = None
    app_id: str | None = None
    timestamp: datetime | None = None
    mandatory: bool = True

    def to_amqp(self) -> aio_pika.Message:
        """The message as aio-pika sends it."""
        return aio_pika.Message(
            self.body,
            headers=dict(self.headers),
            content_type=self.content_type,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            correlation_id=self.correlation_id,
            message_id=self.message_id,
            timestamp=self.timestamp,
            app_id=self.app_id,
        )


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """What one message asks for itself; what is None is left to the service that does it.

    Attributes:
        delay: do it that much later; whole seconds. More than about 12 days are waited for by the scheduler.
        run_at: do it at that moment; UTC without an offset. The scheduler lists it, moves it and takes it back.
        expires_at: useless after that; it then ends as a dead letter and is never done late.
        attempts: tries in all.
        backoff, first_backoff: wait between tries; exponential doubles it each time.
        headers: further headers, carried along.
    """

    delay: timedelta | None = None
    run_at: datetime | None = None
    expires_at: datetime | None = None
    attempts: int | None = None
    backoff: Literal["fixed", "exponential"] | None = None
    first_backoff: timedelta | None = None
    correlation_id: str | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)

    def to_headers(self) -> dict[str, Any]:
        """The wire's headers for these options."""
        headers = dict(self.headers)
        if self.delay:
            headers[wire.DELAY_SECONDS] = self.delay.total_seconds()
        for name, moment in ((wire.RUN_AT, self.run_at), (wire.EXPIRES_AT, self.expires_at)):
            if moment:
                headers[name] = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
        if self.attempts:
            headers[wire.ATTEMPTS] = self.attempts
        if self.backoff:
            headers[wire.BACKOFF] = self.backoff
        if self.first_backoff:
            headers[wire.BACKOFF_SECONDS] = self.first_backoff.total_seconds()
        return headers


NO_OPTIONS = PublishOptions()


def address(message: Message, message_id: str | None, options: PublishOptions, app_id: str) -> Outgoing:
    """`message` with its exchange and routing key. Raises InvalidPublish when it is too large."""
    exchange = wire.JOBS if isinstance(message, Job) else wire.EVENTS
    body = orjson.dumps(message.to_wire())
    return address_json(exchange, message.kind, body, message_id, options, app_id)


def address_json(
    exchange: str, kind: str, body: bytes, message_id: str | None, options: PublishOptions, app_id: str
) -> Outgoing:
    """A JSON body of any kind. Raises InvalidPublish when it is too large, or cannot be written as AMQP."""
    if len(body) > wire.MAX_BODY_BYTES:
        raise InvalidPublish(
            f"{kind}: {len(body)} bytes, at most {wire.MAX_BODY_BYTES} travel in a message; "
            "store larger content and send its URL"
        )
    headers = options.to_headers()
    _check_properties(kind, message_id, headers)
    return Outgoing(
        exchange=exchange,
        routing_key=kind,
        body=body,
        message_id=message_id or str(uuid.uuid4()),
        headers=headers,
        correlation_id=options.correlation_id,
        app_id=app_id,
        timestamp=datetime.now(UTC),
        mandatory=exchange == wire.JOBS,  # an event may have no listeners
    )


def _check_properties(kind: str, message_id: str | None, headers: Mapping[str, Any]) -> None:
    if message_id and len(message_id.encode()) > wire.MAX_SHORT_BYTES:
        raise InvalidPublish(f"{kind}: a message id has at most {wire.MAX_SHORT_BYTES} bytes")
    if not headers:
        return
    try:
        size = len(encode.field_table(dict(headers)))
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidPublish(f"{kind}: header {error}; text, numbers, lists and tables can travel") from None
    if size > MAX_HEADER_BYTES or len(headers) > wire.MAX_HEADERS:
        raise InvalidPublish(
            f"{kind}: {len(headers)} headers of {size} bytes, at most {wire.MAX_HEADERS} of {MAX_HEADER_BYTES} bytes "
            "together travel with a message; put more into the body"
        )
