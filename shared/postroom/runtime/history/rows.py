"""What a service keeps of a try, and of which tries it keeps anything."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson

from postroom import wire
from postroom.privacy.payload import masked_error
from postroom.privacy.recipients import recipients_of
from postroom.runtime.failure import Failure
from postroom.runtime.history.measurements import Outcome
from postroom.runtime.work import Work
from postroom.wire.broker_headers import DEATHS
from postroom.wire.messages import JobMeasured, JobRecorded, Message
from postroom.worker.delivery import Delivery
from postroom.worker.registration import Keep, Subscription

REPORT_KINDS = frozenset((JobMeasured.kind, JobRecorded.kind))
"""What is done with these is neither measured nor recorded: each report would cause the next one, for ever."""

_COUNTS = frozenset((wire.X_ATTEMPT, wire.X_REPLAYS, wire.X_FAILED_AT, DEATHS))


def is_reported(delivery: Delivery) -> bool:
    """Whether the work on this delivery is measured and recorded at all."""
    return delivery.published_to[1] not in REPORT_KINDS


def is_recorded(subscription: Subscription, delivery: Delivery, failure: Failure | None) -> bool:
    """Whether this try is written down. With `on_failure` the end of a message that failed before is, too."""
    keep = subscription.options.history
    if keep is Keep.NEVER:
        return False
    wanted = keep is Keep.ALWAYS or failure is not None or _failed_before(subscription, delivery)
    return wanted and is_reported(delivery)


def history_row(
    work: Work, outcome: Outcome, failure: Failure | None, *, wait: timedelta | None, seconds: float
) -> dict[str, Any]:
    """The row of HistoryRow for a try that ended after `seconds`. Masked: nobody is to be found in it.

    Args:
        wait: how long its next try waits; None where there is none.
    """
    subscription, delivery, now = work.subscription, work.delivery, datetime.now(UTC)
    attempts = failure.attempts if failure else work.retry_policy.attempts
    kind = subscription.model.kind if subscription.model is not None else delivery.published_to[1]
    return {
        "at": now,
        "queue": delivery.queue,
        "message_id": storable(delivery.ensure_id(), 512),
        "correlation_id": storable(delivery.correlation_id, 255),
        "attempt": delivery.attempt,
        "replays": delivery.replays,
        "outcome": outcome,
        "error_type": failure.type_name[:255] if failure else None,
        "error": storable(masked_error(failure.text), wire.MAX_ERROR_BYTES) if failure else None,
        "milliseconds": round(seconds * 1000, 1),
        "try_id": uuid4().hex,
        "kind": storable(kind, 255),
        "app_id": storable(delivery.app_id, 255),
        "published_at": delivery.timestamp and delivery.timestamp.astimezone(UTC),
        "attempts": attempts,
        "place": failure.place if failure else None,
        "next_at": now + wait if wait is not None else None,
        "recipients": _recipients(work.message),
    }


def storable(text: str | None, length: int) -> str | None:
    """`text` as a database takes it: no NUL, no lone surrogates, not longer than its column."""
    return text and text.replace("\0", "").encode(errors="replace").decode()[:length]


def _failed_before(subscription: Subscription, delivery: Delivery) -> bool:
    # A raw reader's deliveries carry the counts of another queue. Most messages have no such header to look into.
    if subscription.model is None or _COUNTS.isdisjoint(delivery.headers):
        return False
    return delivery.attempt > 1 or delivery.replays > 0


def _recipients(message: Any) -> str | None:
    found = recipients_of(message) if isinstance(message, Message) else []
    return orjson.dumps([each.model_dump() for each in found]).decode() if found else None
