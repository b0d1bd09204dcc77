"""The message that a replay publishes: the dead one, without the headers of its last delivery and death."""

from datetime import UTC, datetime
from typing import Any

import aio_pika

from postroom import wire
from postroom.operator.dead_letters.reading import QueuedDeadLetter
from postroom.wire.broker_headers import headers_anew, headers_as_dead


def replayed(found: QueuedDeadLetter, run: str, new_body: bytes | None = None) -> aio_pika.Message:
    """The same body (or the new one), id and properties; `x-failed-at` tells the worker that it is a replay.

    `run` is the replaying run's name, by which the run recognises the message if it dies again meanwhile.
    """
    message, headers = found.message, replay_headers(found)
    if len(headers) < wire.MAX_HEADERS:  # more would make the message invalid
        headers[wire.X_REPLAY_RUN] = run
    return aio_pika.Message(
        message.body if new_body is None else new_body,
        headers=headers,
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        priority=message.priority,
        correlation_id=message.correlation_id,
        reply_to=message.reply_to,
        expiration=message.expiration,
        message_id=message.message_id,
        timestamp=message.timestamp,
        type=message.type,
        app_id=message.app_id,
        # Not user_id: the broker closes the channel when it is not this connection's own user.
    )


def replay_headers(found: QueuedDeadLetter) -> dict[str, Any]:
    """The headers of the copy."""
    letter, headers = found.letter, found.message.headers
    if letter.queue == wire.ALERTING_QUEUE:
        # Alerting counts deaths by these headers, the broker's among them.
        return headers_as_dead(headers)
    kept = headers_anew(headers)
    # With these the worker sees a replay, and which one, and begins with fresh attempts. Where the broker buried it
    # there is no such header or an older one, and where no queue took it, it dies at this moment if none takes it now.
    died_at = letter.failed_at if letter.queue != wire.UNROUTED_QUEUE else None
    kept[wire.X_FAILED_AT] = (died_at or datetime.now(UTC)).isoformat()
    if letter.replays:
        kept[wire.X_REPLAYS] = letter.replays
    return kept
