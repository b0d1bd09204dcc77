"""Fakes and builders for the alerting service."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from postroom import wire
from postroom.operator.dead_letters import cause_of
from postroom.wire.messages import Message
from postroom.worker import Delivery
from postroom_alerting.classification import IncidentSeverity, IncidentType
from postroom_alerting.incidents.conditions import Condition
from postroom_alerting.incidents.incident import Incident
from postroom_alerting.intake.failures import FailureSettlement, RecordedFailure
from postroom_alerting.notify.notifications import DueNotification, IncidentUpdate, Reason
from postroom_alerting.notify.notifier import Notification, NotificationFailed

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def make_failure(**changes: Any) -> RecordedFailure:
    """A refused recipient of `email.send`; each call is a death of another message."""
    number = uuid.uuid4().hex[:8]
    queue = changes.pop("queue", "email.send")
    error_type = changes.pop("error_type", "RecipientRefused")
    error = changes.pop("error", "550 5.1.1 no such user")
    failure = RecordedFailure(
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


def make_incident(**changes: Any) -> Incident:
    """Three refused recipients."""
    incident = Incident(
        key="8104064110",
        about=IncidentType.FAILURES,
        name="email.send",
        what="RecipientRefused",
        severity=IncidentSeverity.WARNING,
        text="a•••@example.com: 550 5.1.1 no such user",
        is_open=True,
        first_at=NOON,
        opened_at=NOON,
        last_at=NOON + timedelta(minutes=1),
        total=3,
        unsettled=3,
        message_ids=("m-1", "m-2", "m-3"),
    )
    return replace(incident, **changes)


def make_update(incident: Incident | None = None, **changes: Any) -> IncidentUpdate:
    """The first notification of an incident."""
    update = IncidentUpdate(incident or make_incident(), Reason.NEW, 3, NOON, timedelta(minutes=15), "first", NOON)
    return replace(update, **changes)


def make_due(*updates: IncidentUpdate) -> DueNotification:
    """A notification of these updates; a digest when there are several."""
    given = updates or (make_update(),)
    return DueNotification("fake", given, is_digest=len(given) > 1, tries=0, token="")


def make_condition(**changes: Any) -> Condition:
    """A queue that nobody reads."""
    condition = Condition(
        key="queue-without-consumers email.send",
        kind="queue-without-consumers",
        subject="email.send",
        severity=IncidentSeverity.CRITICAL,
        text="40 messages wait and nobody reads them",
        advice="python -m postroom_email",
        since=NOON,
    )
    return replace(condition, **changes)


@dataclass
class RecordingNotifier:
    """Keeps what it was sent; refuses while `is_down`."""

    channel: str = "fake"
    is_down: bool = False
    notifications: list[Notification] = field(default_factory=list)
    refused: int = 0

    async def notify(self, notification: Notification) -> None:
        if self.is_down:
            self.refused += 1
            raise NotificationFailed(f"{self.channel} did not take the alert")
        self.notifications.append(notification)


@dataclass
class FailingPublisher:
    """Keeps what was published, by message id; raises `errors` first, one per call."""

    published: dict[str, Message] = field(default_factory=dict)
    errors: list[Exception] = field(default_factory=list)

    async def publish(self, message: Message, *, message_id: str | None = None) -> str:
        if self.errors:
            raise self.errors.pop(0)
        assert message_id is not None
        self.published[message_id] = message
        return message_id


class InMemoryFailureLog:
    """FailureLog without a database."""

    def __init__(self) -> None:
        self.deaths: dict[tuple[str, str], list[RecordedFailure]] = {}
        self._settlements: list[FailureSettlement] = []

    async def record(self, failure: RecordedFailure) -> bool:
        deaths = self.deaths.setdefault((failure.queue, failure.message_id), [])
        if deaths and deaths[-1].death == failure.death:
            return False
        if deaths and self._is_settled(deaths[-1]) and failure.replays <= deaths[-1].replays:  # published anew
            key = (failure.queue, failure.message_id)
            self._settlements = [each for each in self._settlements if (each.queue, each.message_id) != key]
        deaths.append(failure)
        return True

    async def settle(self, settlement: FailureSettlement) -> bool:
        before = self._dead()
        self._settlements.append(settlement)
        return bool({failure.cause for failure in before} - {failure.cause for failure in self._dead()})

    def _dead(self) -> list[RecordedFailure]:
        return [deaths[-1] for deaths in self.deaths.values() if not self._is_settled(deaths[-1])]

    def _is_settled(self, failure: RecordedFailure) -> bool:
        return any(
            (each.queue, each.message_id) == (failure.queue, failure.message_id)
            and (
                each.replays > failure.replays
                or (each.discarded_at is not None and each.discarded_at >= failure.failed_at)
            )
            for each in self._settlements
        )


class InMemoryConditionLog:
    """ConditionLog without a database: what lasts, by source."""

    def __init__(self) -> None:
        self.lasting: dict[str, list[Condition]] = {}

    async def observe(self, source: str, conditions: Sequence[Condition], now: datetime) -> None:  # noqa: ARG002
        self.lasting[source] = list(conditions)

    async def sources(self) -> Collection[str]:
        return {source for source, conditions in self.lasting.items() if conditions}
