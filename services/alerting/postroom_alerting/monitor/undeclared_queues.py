"""Messages in the wrong place: in queues that nobody declared, in `unrouted`, and in `alerting.dead`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches

from postroom import wire
from postroom.broker.management import QueueInfo
from postroom.broker.topology.roles import Role
from postroom_alerting.classification import IncidentSeverity
from postroom_alerting.incidents.conditions import Condition
from postroom_alerting.monitor.findings import Finding, count_text, waiting_text

UNDECLARED = "queue-undeclared"
UNROUTED, UNRECORDED = "unrouted-not-empty", "alerting-dead-not-empty"
FILLING = timedelta(seconds=6)
"""An empty queue may be about to be filled: its messages are in the broker's next count, after five seconds."""

PATIENCE = timedelta(seconds=30)
"""How long queues that the broker has not counted yet may keep earlier conditions from clearing."""

Roles = Sequence[tuple[QueueInfo, Role]]


class UndeclaredQueuesCheck:
    """Checks for queues that nobody declared."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}  # also of queues that the broker has not counted yet

    def check(self, roles: Roles, now: datetime) -> Finding | None:
        """What is found; None while the broker's next count may change it."""
        candidates = [queue for queue, role in roles if role in (Role.UNDECLARED, Role.UNKNOWN)]
        self._since = {queue.name: self._since.get(queue.name, now) for queue in candidates}
        undeclared = [queue for queue, role in roles if role is Role.UNDECLARED and not self._may_fill(queue, now)]
        if not undeclared and any(now - self._since[queue.name] < PATIENCE for queue in candidates):
            return None
        meant = [queue.name for queue, role in roles if role in (Role.WORK, Role.DEAD)]
        return Finding(UNDECLARED, [undeclared_queue(queue, meant, self._since[queue.name]) for queue in undeclared])

    def _may_fill(self, queue: QueueInfo, now: datetime) -> bool:
        return not queue.messages and now - self._since[queue.name] < FILLING


def undeclared_queue(queue: QueueInfo, known: Sequence[str], since: datetime) -> Condition:
    """The condition; `known` are the queues that it may be a misspelling of."""
    meant = get_close_matches(queue.name, known, 1, 0.6)
    what = f"nobody declared the queue {queue.name}; {waiting_text(queue.messages)} in it"
    return Condition(
        key=f"{UNDECLARED} {queue.name}",
        kind=UNDECLARED,
        subject=queue.name,
        severity=IncidentSeverity.CRITICAL if queue.messages else IncidentSeverity.WARNING,
        text=f"{what}, which was probably meant to be {meant[0]}" if meant else what,
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


def check_unrouted(roles: Roles, now: datetime) -> Finding | None:
    """Jobs that no queue takes; None while the broker has not counted them."""
    return _not_empty(
        wire.UNROUTED_QUEUE,
        UNROUTED,
        "{jobs} that no queue takes: the kind is misspelt, or its service is not deployed",
        "postroom dead list; then postroom topology apply and postroom dead replay unrouted --all, or discard",
        roles,
        now,
    )


def check_unrecorded(roles: Roles, now: datetime) -> Finding | None:
    """Dead letters that alerting failed to record; None while the broker has not counted them."""
    return _not_empty(
        wire.dead_queue(wire.ALERTING_QUEUE),
        UNRECORDED,
        "{letters} of other queues that alerting could not record: they are in no group, and nobody was notified",
        "Alerting's log says why; then postroom dead replay alerting.dead --all",
        roles,
        now,
    )


def _not_empty(name: str, kind: str, text: str, advice: str, roles: Roles, now: datetime) -> Finding | None:
    queue, role = next(((queue, role) for queue, role in roles if queue.name == name), (None, Role.FOREIGN))
    if role is Role.UNKNOWN:
        return None
    if queue is None or role not in (Role.UNROUTED, Role.DEAD) or not queue.messages:
        return Finding(kind)
    said = text.format(jobs=count_text(queue.messages, "job"), letters=count_text(queue.messages, "dead letter"))
    return Finding(kind, [Condition(kind, kind, name, IncidentSeverity.WARNING, said, advice, now)])
