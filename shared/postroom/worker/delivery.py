"""One delivery of a message, and what its headers ask for."""

import hashlib
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from postroom import wire
from postroom.wire.broker_headers import deaths_of
from postroom.wire.errors import InvalidMessage
from postroom.wire.header_counts import counted
from postroom.wire.messages import describe_problems
from postroom.wire.retries import Backoff, RetryPolicy


@dataclass(slots=True)
class Delivery:
    """A message as the broker handed it over, before anything about it was believed."""

    queue: str
    body: bytes
    message_id: str | None
    content_type: str | None
    headers: Mapping[str, Any]
    exchange: str
    routing_key: str
    tag: int
    redelivered: bool = False
    correlation_id: str | None = None
    app_id: str | None = None
    timestamp: datetime | None = None
    received_at: float = field(default_factory=time.time)

    def ensure_id(self) -> str:
        """The message id. A message without one gets one here, which the copies of it carry from now on.

        It is made of the content and of when the message was first seen, so that a redelivery finds under it what
        an earlier try wrote down.
        """
        if not self.message_id:
            seen = self.first_seen_at.encode()
            self.message_id = hashlib.sha256(seen + b"\0" + self.body).hexdigest()[:32]
        return self.message_id

    @property
    def published_to(self) -> tuple[str, str]:
        """Exchange and routing key of its first publish: a delayed, retried or moved message comes from elsewhere."""
        exchange, key = self.headers.get(wire.X_EXCHANGE), self.headers.get(wire.X_ROUTING_KEY)
        if isinstance(exchange, str) and isinstance(key, str):
            return exchange, key
        return self.exchange, self.routing_key

    @property
    def is_replay(self) -> bool:
        """Whether this was a dead letter: it carries the time of its death, and starts with fresh attempts."""
        return wire.X_FAILED_AT in self.headers or self.dead_lettered_at is not None

    @property
    def dead_lettered_at(self) -> str | None:
        """When the broker itself dead-lettered it in this queue, of a message that was moved back from there since.

        Only the management UI moves the broker's record along; every copy of ours leaves it behind.
        """
        for death in deaths_of(self.headers):
            if death.get("queue") == self.queue:
                at = death.get("time")
                return at.isoformat() if isinstance(at, datetime) else str(at)
        return None

    @property
    def replays(self) -> int:
        """How often the message was replayed, this delivery included.

        With both marks it died twice since that was counted: the broker dead-lettered what had been moved back already.
        """
        marks = (wire.X_FAILED_AT in self.headers) + (self.dead_lettered_at is not None)
        return counted(self.headers.get(wire.X_REPLAYS)) + marks

    @property
    def attempt(self) -> int:
        """The number of the try that this delivery is; 1 is the first."""
        return 1 if self.is_replay else counted(self.headers.get(wire.X_ATTEMPT)) + 1

    @property
    def first_seen_at(self) -> str:
        """When a worker first saw the message, RFC 3339."""
        seen = self.headers.get(wire.X_FIRST_SEEN_AT)
        return str(seen) if seen else datetime.fromtimestamp(self.received_at, UTC).isoformat()


def message_id_of(delivery: Delivery) -> str | None:
    """The message id: what makes two deliveries of a queue the same work."""
    return delivery.message_id


class MessageOptions(BaseModel):
    """The headers with which a publisher says how its message is to be treated."""

    model_config = ConfigDict(frozen=True)

    attempts: int | None = Field(default=None, ge=1, le=1000)
    backoff: Literal["fixed", "exponential"] | None = None
    backoff_seconds: float | None = Field(
        default=None, alias=wire.BACKOFF_SECONDS, gt=0, le=1_000_000, allow_inf_nan=False
    )
    delay_seconds: float | None = Field(
        default=None, alias=wire.DELAY_SECONDS, ge=0, le=315_360_000, allow_inf_nan=False
    )
    run_at: datetime | None = Field(default=None, alias=wire.RUN_AT)
    expires_at: datetime | None = Field(default=None, alias=wire.EXPIRES_AT)

    def retry_policy(self, default: RetryPolicy) -> RetryPolicy:
        """`default` with what this message asked for instead."""
        if self.attempts is None and self.backoff is None and self.backoff_seconds is None:
            return default
        first = default.backoff.first if self.backoff_seconds is None else timedelta(seconds=self.backoff_seconds)
        return RetryPolicy(self.attempts or default.attempts, Backoff(self.backoff or default.backoff.strategy, first))

    def has_expired(self, now: float) -> bool:
        """Whether doing it at `now` (seconds since the epoch) would be too late."""
        if self.expires_at is None:
            return False
        moment = self.expires_at if self.expires_at.tzinfo else self.expires_at.replace(tzinfo=UTC)
        return moment.timestamp() <= now

    def wait_left(self, delivery: Delivery) -> timedelta:
        """How much of `delay-seconds`, and of the time until `run-at`, is still to be waited.

        The delay is counted from the publisher's `timestamp` where there is one, so that time spent in a queue
        while the service was down is not waited twice. That time stamp has whole seconds and another clock: an age of
        less than two seconds counts as none.
        """
        if self.run_at is not None:
            moment = self.run_at if self.run_at.tzinfo else self.run_at.replace(tzinfo=UTC)
            return timedelta(seconds=max(0, math.ceil(moment.timestamp() - delivery.received_at)))
        if not self.delay_seconds:
            return timedelta(0)
        age = delivery.received_at - delivery.timestamp.timestamp() if delivery.timestamp else 0.0
        seconds = self.delay_seconds - age if age >= 2 else self.delay_seconds
        return timedelta(seconds=max(0, math.ceil(seconds)))


NO_MESSAGE_OPTIONS = MessageOptions()
_OPTION_HEADERS = frozenset(
    (wire.ATTEMPTS, wire.BACKOFF, wire.BACKOFF_SECONDS, wire.DELAY_SECONDS, wire.RUN_AT, wire.EXPIRES_AT)
)


def read_message_options(headers: Mapping[str, Any]) -> MessageOptions:
    """The options among `headers`. Raises InvalidMessage naming the header that cannot be meant."""
    if len(headers) > wire.MAX_HEADERS:
        raise InvalidMessage(f"headers: {len(headers)} of them, at most {wire.MAX_HEADERS} are allowed")
    if _OPTION_HEADERS.isdisjoint(headers):
        return NO_MESSAGE_OPTIONS
    try:
        return MessageOptions.model_validate({name: headers[name] for name in _OPTION_HEADERS & headers.keys()})
    except ValidationError as error:
        raise InvalidMessage(f"header {describe_problems(error)}") from None
