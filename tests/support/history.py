"""Tries and dead letters in the history, as services publish them."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from postroom.privacy.recipients import digest_of, mask_recipient
from postroom.wire.messages import JobRecorded, Recipient, RecordedTry
from postroom_audit.events import AuditEvent, DeadLetterEvent
from postroom_audit.search import MessageQuery
from postroom_audit.sql_events import SqlEventLog
from postroom_audit.sql_history import SqlHistory

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def make_try(message_id: str, minute: int, outcome: str = "done", **changes: Any) -> RecordedTry:
    """A try that ended so many minutes after noon."""
    return RecordedTry.model_validate(
        {
            "id": f"{message_id}-{minute}",
            "at": NOON + timedelta(minutes=minute),
            "queue": "email.send",
            "kind": "email.send",
            "message_id": message_id,
            "attempt": 1,
            "attempts": 3,
            "outcome": outcome,
            "milliseconds": 1,
            **({} if outcome == "done" else {"error_type": "Refused", "error": "550 no such user"}),
        }
        | changes
    )


def to(*addresses: str) -> list[Recipient]:
    return [Recipient(masked=mask_recipient(each), digest=digest_of(each)) for each in addresses]


def letter(message_id: str, minute: int, what: str, **changes: Any) -> DeadLetterEvent:
    given = {"queue": "email.send", "told_by": f"{what}-{minute}", "at": NOON + timedelta(minutes=minute)}
    return DeadLetterEvent(**{"message_id": message_id, "what": what, **given, **changes})


def event(kind: str, message_id: str, minute: int, correlation_id: str | None = None) -> AuditEvent:
    return AuditEvent(kind, NOON + timedelta(minutes=minute), message_id, correlation_id, "shop", "{}")


async def record(log: SqlEventLog, *tries: RecordedTry) -> None:
    await log.record_tries(JobRecorded(service="email", tries=list(tries)))


async def found(history: SqlHistory, **wanted: Any) -> list[str]:
    return [each.message_id for each in await history.find(MessageQuery.model_validate(wanted))]


def a_life_of(message_id: str, chance: random.Random) -> tuple[list[RecordedTry], list[DeadLetterEvent]]:
    """It fails, dies and is replayed, until it is done, discarded, or nobody cared yet."""
    skews = [chance.uniform(-10, 10) for _ in range(2)]
    tries, letters = [make_try(message_id, 0, "retried")], list[DeadLetterEvent]()
    seconds = 0.0

    def after(wait: float, clock: int) -> datetime:
        nonlocal seconds
        seconds += chance.uniform(0, wait)
        return NOON + timedelta(seconds=seconds + skews[clock])

    def tell(what: str, at: datetime, **more: Any) -> None:
        letters.append(letter(message_id, 0, what, at=at, told_by=f"{message_id}-{len(letters)}", **more))

    for replays in range(chance.randint(1, 4)):
        if is_tried := chance.random() < 0.8:
            at = after(3, 0)
            tries.append(make_try(message_id, 0, "dead", at=at, id=f"{message_id}-{replays}", replays=replays))
        if chance.random() < 0.9 or not is_tried:
            tell("died", at if is_tried else after(3, 0), replays=replays)
        end = chance.random()
        if end < 0.2:
            return tries, letters
        if end < 0.3:
            tell("discarded", after(90, 1))
            return tries, letters
        if chance.random() < 0.8:  # the others are moved in the management UI
            tell("replayed", after(3, 1), replays=replays + 1 if chance.random() < 0.9 else None)
    if chance.random() < 0.7:
        tries.append(make_try(message_id, 0, at=after(3, 0), id=f"{message_id}-end", replays=replays + 1))
    return tries, letters
