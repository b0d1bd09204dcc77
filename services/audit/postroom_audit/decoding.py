"""Reads an event from a delivery, also one that breaks its contract, and masks it."""

import hashlib
from datetime import UTC, datetime

from postroom import wire
from postroom.runtime.consuming.decoding import decode, open_body
from postroom.runtime.history.rows import storable
from postroom.wire.errors import InvalidMessage
from postroom.wire.messages import (
    DeadLetterDiscarded,
    DeadLetterReplayed,
    JobFailed,
    JobMeasured,
    JobRecorded,
    Message,
    SchedulerMeasured,
)
from postroom.worker import Delivery
from postroom_audit.contents import kept_fields
from postroom_audit.events import AuditEvent

KNOWN: dict[str, type[Message]] = {
    model.kind: model
    for model in (JobMeasured, JobRecorded, JobFailed, DeadLetterReplayed, DeadLetterDiscarded, SchedulerMeasured)
}

_LONGEST_NAME = 255


def read_event(delivery: Delivery) -> AuditEvent:
    """The event of a delivery. Of a body that is no JSON object within the wire's limits nothing is kept."""
    kind = kind_of(delivery)
    try:
        message_id, fields = open_body(delivery, kind)
        body = kept_fields(fields)
    except InvalidMessage:
        message_id, body = delivery.message_id, ""
    return AuditEvent(
        kind=storable(kind, _LONGEST_NAME) or "",
        at=delivery.timestamp or datetime.fromtimestamp(delivery.received_at, UTC),
        message_id=_storable_id(message_id),
        correlation_id=storable(delivery.correlation_id, _LONGEST_NAME),
        app_id=storable(delivery.app_id, _LONGEST_NAME),
        body=body,
    )


def read_known(delivery: Delivery) -> Message | None:
    """The message, of a kind that is kept in tables of its own; None for others, and if it breaks its contract."""
    model = KNOWN.get(kind_of(delivery))
    try:
        return decode(delivery, model) if model is not None else None
    except InvalidMessage:
        return None


def kind_of(delivery: Delivery) -> str:
    """The routing key that the event was published with."""
    # Straight from the publisher, who may have copied the headers from another message.
    return delivery.routing_key if delivery.exchange == wire.EVENTS else delivery.published_to[1]


def _storable_id(message_id: str | None) -> str | None:
    if message_id and len(message_id) > _LONGEST_NAME:  # of a CloudEvent; cut, two could become one
        return hashlib.sha256(message_id.encode(errors="replace")).hexdigest()
    return storable(message_id, _LONGEST_NAME)
