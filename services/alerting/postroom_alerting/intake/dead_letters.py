"""Reads a delivery of the queue `alerting` as a failure to be recorded. Accepts any headers and any body."""

import uuid
from datetime import UTC, datetime

from postroom import wire
from postroom.privacy.payload import masked_error, masked_payload
from postroom.wire.dead_letter import DeadLetter, Envelope, name_by_content, read_dead_letter, text_of
from postroom.worker import Delivery
from postroom_alerting.intake.failures import RecordedFailure

_NAMESPACE = uuid.UUID("6c0b5f0e-3a53-4d0e-9d0a-0f8c8e0b7f11")


def read_failure(delivery: Delivery) -> RecordedFailure | None:
    """The failure that `delivery` describes; None for a probe and for alerting's own dead letters."""
    if wire.X_PROBE in delivery.headers:
        return None
    letter = _letter(delivery)
    if letter.queue == wire.ALERTING_QUEUE:
        return None
    # Without a time a copy cannot be told from another death: better counted twice than not at all.
    death = letter.death or str(uuid.uuid4())
    message_id = letter.message_id or name_by_content(delivery.body)
    return RecordedFailure(
        id=_death_id(letter.queue, message_id, death),
        queue=letter.queue,
        kind=letter.kind,
        message_id=message_id,
        cause=letter.cause,
        error=text_of(masked_error(letter.error), wire.MAX_ERROR_BYTES),
        payload=masked_payload(delivery.body),
        failed_at=letter.failed_at or datetime.now(UTC),
        death=death,
        attempts=letter.attempts,
        replays=letter.replays,
    )


def death_of(delivery: Delivery) -> str | None:
    """The id by which the inbox knows the work: one death of one message, for a replayed message may die again.

    None when the headers do not identify the death. Recording is idempotent without the inbox, and only a message that
    is described by its headers alone may wait on the delay ladder, which changes its exchange and routing key.
    """
    letter = _letter(delivery)
    is_identified = letter.message_id and letter.death and delivery.headers.get(wire.X_QUEUE)
    if letter.is_by_broker or letter.queue == wire.UNROUTED_QUEUE or not is_identified:
        return None
    return _death_id(letter.queue, letter.message_id, letter.death)


def _letter(delivery: Delivery) -> DeadLetter:
    envelope = Envelope(
        headers=delivery.headers,
        exchange=delivery.exchange,
        routing_key=delivery.routing_key,
        message_id=delivery.message_id,
        timestamp=delivery.timestamp,
    )
    return read_dead_letter(envelope)


def _death_id(queue: str, message_id: str, death: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{queue}\n{message_id}\n{death}"))
