"""Queues that nobody declared, and jobs that no queue takes: where messages end that went astray."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches

from services.alerting.conditions import Condition, Severity
from services.alerting.watching.findings import Finding, count_text
from services.alerting.watching.roles import Role
from shared import wire
from shared.management import QueueInfo

UNDECLARED = "queue-undeclared"
UNROUTED = "unrouted-not-empty"
PATIENCE = timedelta(seconds=30)
"""How long queues of which the broker does not say more than their names may keep others from being cleared."""

Roles = Sequence[tuple[QueueInfo, Role]]


class Strays:
    """The queues that nobody declared, since when."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}
        self._unknown_since: datetime | None = None

    def judge(self, roles: Roles, now: datetime) -> Finding | None:
        """What is to be said; None while the broker does not yet say which queues are declared."""
        undeclared = [queue for queue, role in roles if role is Role.UNDECLARED]
        self._since = {queue.name: self._since.get(queue.name, now) for queue in undeclared}
        if self._is_too_early(roles, now):
            return None
        known = [queue.name for queue, role in roles if role in (Role.WORK, Role.DEAD)]
        return Finding(UNDECLARED, [stray(queue, known, self._since[queue.name]) for queue in undeclared])

    def _is_too_early(self, roles: Roles, now: datetime) -> bool:
        if not any(role is Role.UNKNOWN for _queue, role in roles):
            self._unknown_since = None
            return False
        self._unknown_since = self._unknown_since or now
        return now - self._unknown_since < PATIENCE


def stray(queue: QueueInfo, known: Sequence[str], since: datetime) -> Condition:
    """The condition of one queue that nobody declared; `known` are those that it may be meant to be."""
    meant = get_close_matches(queue.name, known, 1, 0.6)
    what = f"nobody declared the queue {queue.name}, and {count_text(queue.messages)} in it " + (
        "waits for nobody" if queue.messages == 1 else "wait for nobody"
    )
    return Condition(
        key=f"{UNDECLARED} {queue.name}",
        kind=UNDECLARED,
        subject=queue.name,
        severity=Severity.CRITICAL if queue.messages else Severity.WARNING,
        text=f"{what}; {meant[0]} was probably meant" if meant else what,
        advice=_way_back(queue, meant[0] if meant else "the right queue"),
        since=since,
    )


def _way_back(queue: QueueInfo, meant: str) -> str:
    if not queue.messages:
        return f"Delete it, or name it in ALERTING_IGNORED_QUEUES: rabbitmqctl delete_queue {queue.name} --if-empty"
    return (
        f"Move them to {meant} (management UI, queue {queue.name}, Move messages), then delete the queue. "
        "If it is another program's: ALERTING_IGNORED_QUEUES"
    )


def unrouted(roles: Roles, now: datetime) -> Finding | None:
    """Jobs that no queue takes."""
    queue = next((queue for queue, _role in roles if queue.name == wire.UNROUTED_QUEUE), None)
    if queue is None or not queue.is_counted:
        return None
    if not queue.messages:
        return Finding(UNROUTED)
    return Finding(
        UNROUTED,
        [
            Condition(
                key=UNROUTED,
                kind=UNROUTED,
                subject=queue.name,
                severity=Severity.WARNING,
                text=f"{count_text(queue.messages, 'job')} that no queue takes: the kind is misspelt, or its service "
                "is not deployed",
                advice="postroom dead list; then postroom topology apply and postroom dead replay unrouted --all, "
                "or discard",
                since=now,
            )
        ],
    )
