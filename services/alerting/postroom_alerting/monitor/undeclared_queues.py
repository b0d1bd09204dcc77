"""Where messages end that went astray: in queues that nobody declared, in `unrouted`, and in `alerting.dead`."""

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
"""An empty queue may be about to be filled: the next count, after five seconds, tells how many are in it."""

PATIENCE = timedelta(seconds=30)
"""How long queues of which little is known may keep what was seen before from being cleared."""

Roles = Sequence[tuple[QueueInfo, Role]]


class Strays:
    """The queues that nobody declared, since when."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}  # also of queues of which only the name is known

    def judge(self, roles: Roles, now: datetime) -> Finding | None:
        """What is to be said; None while that may change with what the broker counts next."""
        open_cases = [queue for queue, role in roles if role in (Role.UNDECLARED, Role.UNKNOWN)]
        self._since = {queue.name: self._since.get(queue.name, now) for queue in open_cases}
        strays = [queue for queue, role in roles if role is Role.UNDECLARED and not self._may_fill(queue, now)]
        if not strays and any(now - self._since[queue.name] < PATIENCE for queue in open_cases):
            return None
        meant = [queue.name for queue, role in roles if role in (Role.WORK, Role.DEAD)]
        return Finding(UNDECLARED, [stray(queue, meant, self._since[queue.name]) for queue in strays])

    def _may_fill(self, queue: QueueInfo, now: datetime) -> bool:
        return not queue.messages and now - self._since[queue.name] < FILLING


def stray(queue: QueueInfo, known: Sequence[str], since: datetime) -> Condition:
    """The condition of one queue that nobody declared; `known` are those that it may be meant to be."""
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


def unrouted(roles: Roles, now: datetime) -> Finding | None:
    """Jobs that no queue takes; None while the broker has not counted them."""
    return _not_empty(
        wire.UNROUTED_QUEUE,
        UNROUTED,
        "{jobs} that no queue takes: the kind is misspelt, or its service is not deployed",
        "postroom dead list; then postroom topology apply and postroom dead replay unrouted --all, or discard",
        roles,
        now,
    )


def unrecorded(roles: Roles, now: datetime) -> Finding | None:
    """Dead letters of which alerting could not take note, and of which it is not told; None while uncounted."""
    return _not_empty(
        wire.dead_queue(wire.ALERTING_QUEUE),
        UNRECORDED,
        "{letters} of other queues of which alerting could not take note: they are in no group, and nobody was told",
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
