"""Reads why a message died from its properties and headers, whether a worker or the broker buried it.

A worker writes the reason into headers. When the broker buried the message itself (its workers died, or it was
rejected) there is only `x-death`; when no queue takes a job there is only when it was published. Nothing here trusts
any of it.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from postroom import wire
from postroom.wire.broker_headers import DEATHS, deaths_of
from postroom.wire.causes import Cause, cause_of
from postroom.wire.header_counts import counted

NET_ERRORS = {
    "delivery_limit": (
        "DeliveryLimit",
        "the broker buried it: each worker that took it died or lost its connection before it was finished",
    ),
    "rejected": ("Rejected", "the broker buried it: a reader rejected it without giving a reason"),
    "expired": ("Expired", "the broker buried it: its time to live ran out in the queue"),
    "maxlen": ("QueueFull", "the broker buried it: the queue was full"),
}
"""Error type and text by `x-death`'s reason."""

_LONGEST_NAME = 255  # of an AMQP short string
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What there is to know about a message besides its body."""

    headers: Mapping[str, Any] = field(default_factory=dict)
    exchange: str = ""
    routing_key: str = ""
    message_id: str | None = None
    timestamp: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One death of one message.

    Attributes:
        queue: the queue it died in, without `.dead`; `unrouted` for a job that no queue takes.
        kind: its wire name as first published, as far as known.
        message_id: empty when it had none.
        failed_at: None when it is not known.
        death: the same for every copy of this death and different for each death of a message; empty when
            deaths cannot be distinguished.
        attempts: tries made; 0 for a job that no queue takes.
        place: where in the code it failed; empty when it is not known.
    """

    queue: str
    kind: str
    message_id: str
    error_type: str
    error: str
    failed_at: datetime | None
    death: str
    attempts: int
    replays: int
    is_by_broker: bool = False
    place: str = ""

    @property
    def cause(self) -> Cause:
        """What it has in common with others that died of the same."""
        return cause_of(self.queue, self.error_type, self.error, self.place)


def read_dead_letter(envelope: Envelope, *, queue: str | None = None) -> DeadLetter:
    """The death that `envelope` describes.

    `queue` is what a reader of `<queue>.dead` knows. Without it the envelope is that of a message of
    `alerting`; alerting's own dead letters, moved back to it, still describe the first death.
    """
    envelope = envelope if queue else _as_first_described(envelope)
    headers = envelope.headers
    net = _net_death(headers)
    queue = queue or _queue_of(envelope, net)
    message_id = text_of(envelope.message_id, _LONGEST_NAME)
    if net is not None and _name(net.get("queue")) == queue:
        return _buried_by_broker(envelope, queue, message_id, net)
    if queue == wire.UNROUTED_QUEUE:
        return _unrouted(envelope, message_id)
    stamp = text_of(headers.get(wire.X_FAILED_AT), _LONGEST_NAME)
    return DeadLetter(
        queue=queue,
        kind=_name(headers.get(wire.X_ROUTING_KEY)) or kind_of(queue),
        message_id=message_id,
        error_type=text_of(headers.get(wire.X_ERROR_TYPE), _LONGEST_NAME) or "Unknown",
        error=text_of(headers.get(wire.X_ERROR), wire.MAX_ERROR_BYTES) or "it carries no reason",
        failed_at=moment_of(headers.get(wire.X_FAILED_AT)),
        death=stamp,
        attempts=counted(headers.get(wire.X_ATTEMPT)),
        replays=counted(headers.get(wire.X_REPLAYS)),
        place=_name(headers.get(wire.X_ERROR_AT)),
    )


def kind_of(queue: str) -> str:
    """The kind of message that `queue` takes: `user.created` for `email.on.user.created`."""
    return queue.partition(".on.")[2] or queue


def name_by_content(body: bytes) -> str:
    """What a message without an id is called, so that a person can point at it."""
    return "content:" + hashlib.sha256(body).hexdigest()[:16]


def text_of(value: Any, limit: int) -> str:
    """Any header value as text that a database and a terminal can take, cut at `limit` characters."""
    if value is None:
        return ""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes | bytearray) else str(value)
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text[:limit])


def moment_of(value: Any) -> datetime | None:
    """A header's time (RFC 3339 or an AMQP time stamp) in UTC; None when it is none."""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _buried_by_broker(envelope: Envelope, queue: str, message_id: str, net: Mapping[str, Any]) -> DeadLetter:
    reason = _name(net.get("reason"))
    error_type, error = NET_ERRORS.get(reason, ("Buried", f"the broker buried it: {reason or 'no reason'}"))
    headers = envelope.headers
    return DeadLetter(
        queue=queue,
        kind=_name(headers.get(wire.X_ROUTING_KEY)) or _name(_first(net.get("routing-keys"))) or kind_of(queue),
        message_id=message_id,
        error_type=error_type,
        error=error,
        failed_at=moment_of(net.get("time")),
        death=f"{reason} {text_of(net.get('time'), 64)} {text_of(net.get('count'), 20)}",
        attempts=counted(headers.get(wire.X_ATTEMPT)) + 1,
        replays=counted(headers.get(wire.X_REPLAYS)) + (wire.X_FAILED_AT in headers),
        is_by_broker=True,
    )


def _unrouted(envelope: Envelope, message_id: str) -> DeadLetter:
    headers = envelope.headers
    kind = _name(headers.get(wire.X_ROUTING_KEY)) or _name(envelope.routing_key) or "a job without routing key"
    # It says when it was published: with a time stamp at first, in our own header after a replay.
    failed_at = moment_of(headers.get(wire.X_FAILED_AT)) or moment_of(envelope.timestamp)
    return DeadLetter(
        queue=wire.UNROUTED_QUEUE,
        kind=kind,
        message_id=message_id,
        error_type="Unrouted",
        error=f"no queue takes {kind}; is its service deployed, or the kind misspelt?",
        failed_at=failed_at,
        death=failed_at.isoformat() if failed_at else "",
        attempts=0,
        replays=counted(headers.get(wire.X_REPLAYS)) + (wire.X_FAILED_AT in headers),
    )


def _queue_of(envelope: Envelope, net: Mapping[str, Any] | None) -> str:
    if envelope.exchange in {wire.JOBS, wire.UNROUTED}:  # whatever it died of before
        return wire.UNROUTED_QUEUE
    if envelope.exchange == wire.DEAD_LETTERS and envelope.routing_key:
        return _name(envelope.routing_key)
    if wire.X_FAILED_AT in envelope.headers and (queue := _name(envelope.headers.get(wire.X_QUEUE))):
        return queue
    return (_name(net.get("queue")) if net else "") or wire.UNROUTED_QUEUE


def _as_first_described(envelope: Envelope) -> Envelope:
    latest, *earlier = _deaths(envelope.headers) or [{}]
    if _name(latest.get("queue")) != wire.ALERTING_QUEUE:
        return envelope
    return replace(
        envelope,
        headers={**envelope.headers, DEATHS: earlier},
        exchange=_name(latest.get("exchange")),
        routing_key=_name(_first(latest.get("routing-keys"))),
    )


def _first(values: Any) -> Any:
    return values[0] if isinstance(values, list) and values else None


def _net_death(headers: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The broker's newest record of a death."""
    return next(iter(_deaths(headers)), None)


def _deaths(headers: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The broker's records, newest first; a wait on the delay ladder is no death."""
    return [death for death in deaths_of(headers) if not _name(death.get("queue")).startswith(f"{wire.DELAY}.")]


def _name(value: Any) -> str:
    return text_of(value, _LONGEST_NAME)
