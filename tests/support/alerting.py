"""Fakes and builders for the alerting service."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.alerting.failures import Alert, Failure
from services.alerting.notifier import Notice, NotificationFailed
from shared import wire
from shared.dead_letters import cause_of
from shared.messages import Message
from shared.worker import Delivery

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def make_failure(**changes: Any) -> Failure:
    """A refused recipient of `email.send`; each call is a death of another message."""
    number = uuid.uuid4().hex[:8]
    queue = changes.pop("queue", "email.send")
    error_type = changes.pop("error_type", "RecipientRefused")
    error = changes.pop("error", "550 5.1.1 no such user")
    failure = Failure(
        id=str(uuid.uuid4()),
        queue=queue,
        kind="email.send",
        message_id=f"message-{number}",
        cause=cause_of(queue, error_type, error),
        error=error,
        payload='{"to": "a•••@example.com"}',
        failed_at=NOON,
        death=NOON.isoformat(),
        attempts=1,
        replays=0,
    )
    return replace(failure, **changes)


def make_dead_delivery(**changes: Any) -> Delivery:
    """What alerting is given when a worker buried a message of `email.send`."""
    headers = {
        wire.X_ATTEMPT: 5,
        wire.X_ATTEMPTS: 5,
        wire.X_ERROR_TYPE: "RecipientRefused",
        wire.X_ERROR: "ada@example.com: 550 5.1.1 no such user",
        wire.X_FAILED_AT: NOON.isoformat(),
        wire.X_SERVICE: "email",
        wire.X_QUEUE: "email.send",
        wire.X_EXCHANGE: "jobs",
        wire.X_ROUTING_KEY: "email.send",
    } | changes.pop("headers", {})
    delivery = Delivery(
        queue="alerting",
        body=b'{"to": "ada@example.com"}',
        message_id="6f2c9a30",
        content_type="application/json",
        headers=headers,
        exchange="dead-letters",
        routing_key="email.send",
        tag=1,
    )
    return replace(delivery, **changes)


def make_alert(**changes: Any) -> Alert:
    """Three refused recipients, none told before."""
    alert = Alert(
        channel="fake",
        cause=cause_of("email.send", "RecipientRefused", "550 5.1.1 no such user"),
        error="a•••@example.com: 550 5.1.1 no such user",
        new=3,
        total=3,
        first_at=NOON,
        last_at=NOON + timedelta(minutes=1),
        since=NOON,
        message_ids=("m-1", "m-2", "m-3"),
        tries=0,
        token="",
    )
    return replace(alert, **changes)


@dataclass
class RecordingNotifier:
    """Keeps what it was told; refuses while `is_down`."""

    channel: str = "fake"
    is_down: bool = False
    notices: list[Notice] = field(default_factory=list)
    refused: int = 0

    async def notify(self, notice: Notice) -> None:
        if self.is_down:
            self.refused += 1
            raise NotificationFailed(f"{self.channel} did not take the alert")
        self.notices.append(notice)


@dataclass
class RecordingPublisher:
    """Keeps what was published, by message id; raises `errors` first, one per call."""

    published: dict[str, Message] = field(default_factory=dict)
    errors: list[Exception] = field(default_factory=list)

    async def publish(self, message: Message, *, message_id: str | None = None) -> str:
        if self.errors:
            raise self.errors.pop(0)
        assert message_id is not None
        self.published[message_id] = message
        return message_id


@dataclass
class _Group:
    newest: Failure
    count: int = 0
    first_at: datetime = NOON
    last_at: datetime = NOON


@dataclass
class _Told:
    count: int
    at: datetime | None = None
    tries: int = 0
    held_by: str | None = None
    held_until: datetime | None = None


class InMemoryFailureLog:
    """FailureLog without a database."""

    def __init__(self) -> None:
        self.deaths: dict[tuple[str, str], list[Failure]] = {}
        self._groups: dict[str, _Group] = {}
        self._told: dict[tuple[str, str], _Told] = {}

    async def record(self, failure: Failure, channels: Sequence[str]) -> bool:
        deaths = self.deaths.setdefault((failure.queue, failure.message_id), [])
        if deaths and deaths[-1].death == failure.death:
            return False
        deaths.append(failure)
        group = self._groups.setdefault(
            failure.cause.key, _Group(failure, first_at=failure.failed_at, last_at=failure.failed_at)
        )
        group.newest, group.count = failure, group.count + 1
        group.last_at = max(group.last_at, failure.failed_at)
        for channel in channels:
            self._told.setdefault((failure.cause.key, channel), _Told(group.count - 1))
        return True

    async def claim(self, channel: str, now: datetime, *, interval: timedelta, lease: timedelta) -> Alert | None:
        for (key, of_channel), told in self._told.items():
            group = self._groups[key]
            is_due = told.count < group.count and (told.at is None or told.at <= now - interval)
            is_free = told.held_until is None or told.held_until <= now
            if of_channel == channel and is_due and is_free:
                told.held_by, told.held_until = str(uuid.uuid4()), now + lease
                return self._alert(channel, group, told)
        return None

    async def told(self, alert: Alert, now: datetime) -> None:
        told = self._told[alert.cause.key, alert.channel]
        if told.held_by == alert.token:
            self._told[alert.cause.key, alert.channel] = _Told(alert.total, now)

    async def put_off(self, alert: Alert, until: datetime) -> None:
        told = self._told[alert.cause.key, alert.channel]
        if told.held_by == alert.token:
            told.held_by, told.held_until, told.tries = None, until, told.tries + 1

    def _alert(self, channel: str, group: _Group, told: _Told) -> Alert:
        of_cause = [deaths[-1] for deaths in self.deaths.values() if deaths[-1].cause == group.newest.cause]
        newest = sorted(of_cause, key=lambda failure: failure.failed_at, reverse=True)[:3]
        return Alert(
            channel=channel,
            cause=group.newest.cause,
            error=group.newest.error,
            new=group.count - told.count,
            total=group.count,
            first_at=group.first_at,
            last_at=group.last_at,
            since=told.at or group.first_at,
            message_ids=tuple(failure.message_id for failure in newest),
            tries=told.tries,
            token=told.held_by or "",
        )
