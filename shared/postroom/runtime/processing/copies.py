"""What stands for a message that was not done: the copy that waits for its next try, or its dead letter.

Both are fresh publishes, without the broker's headers (wire.broker_headers).
"""

import hashlib
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from pamqp import encode

from postroom import wire
from postroom.broker.publishing.outgoing import MAX_HEADER_BYTES, NO_OPTIONS, Outgoing, address, address_json
from postroom.broker.topology import LONGEST_WAIT, walk_key
from postroom.runtime.failure import Failure
from postroom.runtime.processing.verdict import Publication, Verdict
from postroom.runtime.work import Work
from postroom.wire.broker_headers import headers_anew
from postroom.wire.errors import InvalidPublish
from postroom.wire.messages import DeferJob, JobCompleted
from postroom.worker.delivery import Delivery

_WAITED_FOR = frozenset((wire.DELAY_SECONDS, wire.RUN_AT))
_OURS = frozenset(
    (
        *(wire.X_ATTEMPT, wire.X_ATTEMPTS, wire.X_ERROR_TYPE, wire.X_ERROR, wire.X_ERROR_AT),
        *(wire.X_FAILED_AT, wire.X_SERVICE),
        *(wire.X_QUEUE, wire.X_EXCHANGE, wire.X_ROUTING_KEY, wire.X_FIRST_SEEN_AT, wire.X_REPLAYS),
    )
)


def replacement(work: Work, verdict: Verdict) -> Outgoing | None:
    """The message that stands for this one by a verdict; None where nothing does."""
    delivery, service = work.delivery, work.subscription.service
    match verdict.publication, verdict.failure:
        case Publication.RETRY, Failure() as failure:
            return retried(delivery, failure, service, verdict.wait)
        case Publication.DEAD_LETTER, Failure() as failure:
            return dead_letter(delivery, failure, service)
        case Publication.DEFERRED, _:
            with suppress(InvalidPublish):  # too large to travel inside another message
                return deferred(delivery, work.message.to_wire(), verdict.wait)
        case Publication.NOTHING, _:
            return None
    return postponed(delivery, verdict.wait)


def postponed(delivery: Delivery, wait: timedelta) -> Outgoing:
    """The same message, which comes back to the same queue after `wait`."""
    headers = _unchanged_headers(delivery)
    headers.pop(wire.DELAY_SECONDS, None)  # that is what is being waited for
    return _waiting(delivery, wait, {**headers, **_origin(delivery)})


def deferred(delivery: Delivery, body: Mapping[str, Any], wait: timedelta) -> Outgoing:
    """The job in a `scheduler.defer`, which publishes it after `wait`; it can be listed, moved and taken back."""
    job = DeferJob(
        at=datetime.fromtimestamp(delivery.received_at, UTC) + wait,
        job=delivery.published_to[1],
        job_id=delivery.ensure_id(),
        body=dict(body),
        headers={name: value for name, value in _unchanged_headers(delivery).items() if name not in _WAITED_FOR},
        correlation_id=delivery.correlation_id,
        app_id=delivery.app_id,
    )
    content = orjson.dumps(job.to_wire(), default=str)
    name = hashlib.sha256(f"{job.job_id} {job.at.isoformat()}".encode()).hexdigest()[:32]
    return address_json(wire.JOBS, DeferJob.kind, content, f"defer-{name}", NO_OPTIONS, delivery.queue)


def completed(delivery: Delivery) -> Outgoing:
    """The event that tells that a tick's job is done, or a message that had been dead.

    Told twice of one end it has the same id; one message id may have an end in each of several queues.
    """
    event = JobCompleted(
        queue=delivery.queue,
        job_id=delivery.ensure_id(),
        attempts=delivery.attempt,
        replays=delivery.replays,
        completed_at=datetime.now(UTC),
    )
    name = hashlib.sha256(f"{event.queue}\n{event.job_id}\n{event.replays}".encode(errors="replace")).hexdigest()[:32]
    return replace(address(event, None, NO_OPTIONS, delivery.queue), message_id=f"done-{name}")


def retried(delivery: Delivery, failure: Failure, service: str, wait: timedelta) -> Outgoing:
    """The copy that is tried again after `wait`."""
    headers = {**carried_headers(delivery), **failure_headers(delivery, failure, service)}
    return _waiting(delivery, wait, headers)


def dead_letter(delivery: Delivery, failure: Failure, service: str) -> Outgoing:
    """The copy that waits for a person, with its reason."""
    headers = {
        **carried_headers(delivery),
        **failure_headers(delivery, failure, service),
        wire.X_FAILED_AT: datetime.now(UTC).isoformat(),
    }
    return _copy(delivery, wire.DEAD_LETTERS, delivery.queue, headers)


def carried_headers(delivery: Delivery) -> dict[str, Any]:
    """The headers of the next copy: the publisher's, without what only held for this delivery."""
    headers = headers_anew(delivery.headers)
    # It has been waited for; the next try or a replay must not wait again.
    headers.pop(wire.DELAY_SECONDS, None)
    headers.pop(wire.X_FAILED_AT, None)
    headers.pop(wire.X_ERROR_AT, None)  # the next failure may have no such place
    return headers


def failure_headers(delivery: Delivery, failure: Failure, service: str) -> dict[str, Any]:
    """The headers in which Postroom says what happened."""
    headers: dict[str, Any] = {
        wire.X_ATTEMPT: delivery.attempt,
        wire.X_ATTEMPTS: failure.attempts,
        wire.X_ERROR_TYPE: failure.type_name,
        wire.X_ERROR: failure.text,
        wire.X_ERROR_AT: failure.place,
        wire.X_SERVICE: service,
        wire.X_QUEUE: delivery.queue,
        **_origin(delivery),
        wire.X_FIRST_SEEN_AT: delivery.first_seen_at,
    }
    if delivery.replays:
        headers[wire.X_REPLAYS] = delivery.replays
    return {name: value for name, value in headers.items() if value is not None}


def _unchanged_headers(delivery: Delivery) -> dict[str, Any]:
    """The headers of a copy that is not another try: what was a replay stays one, also without the broker's record."""
    headers = headers_anew(delivery.headers)
    # In alerting's own queue these headers tell of other deaths.
    if delivery.dead_lettered_at is not None and delivery.queue != wire.ALERTING_QUEUE:
        headers.setdefault(wire.X_FAILED_AT, delivery.dead_lettered_at)
        headers[wire.X_REPLAYS] = delivery.replays - 1
    return headers


def _origin(delivery: Delivery) -> dict[str, str]:
    exchange, key = delivery.published_to
    return {wire.X_EXCHANGE: exchange, wire.X_ROUTING_KEY: key}


def _waiting(delivery: Delivery, wait: timedelta, headers: Mapping[str, Any]) -> Outgoing:
    """A copy on the delay ladder; what the ladder cannot hold is walked again."""
    rest = wait - LONGEST_WAIT
    if rest > timedelta(0):
        if delivery.timestamp is not None:  # from which `delay-seconds` is counted, also after this walk
            rest += max(timedelta(0), datetime.now(UTC) + LONGEST_WAIT - delivery.timestamp)
        headers = {**headers, wire.DELAY_SECONDS: rest.total_seconds()}
    return _copy(delivery, wire.DELAY, walk_key(min(wait, LONGEST_WAIT), delivery.queue), headers)


def _copy(delivery: Delivery, exchange: str, key: str, headers: Mapping[str, Any]) -> Outgoing:
    return Outgoing(
        exchange=exchange,
        routing_key=key,
        body=delivery.body,
        message_id=delivery.message_id or str(uuid.uuid4()),
        headers=_bounded({name: _short(value) if name in _OURS else value for name, value in headers.items()}),
        content_type=delivery.content_type,
        correlation_id=delivery.correlation_id,
        app_id=delivery.app_id,
        timestamp=delivery.timestamp,
    )


def _bounded(headers: Mapping[str, Any]) -> dict[str, Any]:
    """`headers` with the largest foreign ones left out until they fit; those are what made the message invalid."""
    kept = dict(headers)
    sizes = {name: len(encode.field_table({name: value})) for name, value in kept.items()}
    foreign = sorted((name for name in kept if name not in _OURS), key=lambda name: sizes[name])
    while foreign and (sum(sizes.values()) > MAX_HEADER_BYTES or len(kept) > wire.MAX_HEADERS):
        largest = foreign.pop()
        del kept[largest], sizes[largest]
    return kept


def _short(value: Any) -> Any:
    """What stands under a name of ours: a number, or a text of 1 KiB at most, whoever wrote it."""
    if not isinstance(value, str):
        return value if isinstance(value, int) else None
    raw = value.encode(errors="replace")
    return value if len(raw) <= wire.MAX_ERROR_BYTES else raw[: wire.MAX_ERROR_BYTES - 3].decode(errors="ignore") + "…"
