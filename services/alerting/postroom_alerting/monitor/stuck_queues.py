"""Queues whose messages cannot go where the broker should take them: the delay ladder, and dead letters of the net.

The broker keeps such messages, at least once, and tries again every three minutes.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from postroom.broker.management import QueueInfo
from postroom_alerting.classification import IncidentSeverity
from postroom_alerting.incidents.conditions import Condition
from postroom_alerting.monitor.findings import Finding, count_text

KIND = "queue-stuck"
GRACE = timedelta(seconds=60)


class Strands:
    """Since when messages of a queue have been stranded, none of them getting away."""

    kind = KIND

    def __init__(self) -> None:
        self._seen: dict[str, tuple[datetime, int]] = {}

    def judge(self, queue: QueueInfo, now: datetime) -> Finding | None:
        """What is to be said of one queue; None within the grace, for each message is on its way for a moment."""
        since, before = self._seen.get(queue.name, (now, 0))
        if not queue.stranded:
            self._seen.pop(queue.name, None)
            return Finding(f"{KIND} {queue.name}")
        if queue.stranded < before:
            since = now
        self._seen[queue.name] = since, queue.stranded
        if now - since < GRACE:
            return None
        return Finding(f"{KIND} {queue.name}", [stuck(queue, since)])

    def forget(self, watched: Mapping[str, object]) -> None:
        """Keep only what is watched."""
        self._seen = {name: seen for name, seen in self._seen.items() if name in watched}


def stuck(queue: QueueInfo, since: datetime) -> Condition:
    """The condition."""
    return Condition(
        key=f"{KIND} {queue.name}",
        kind=KIND,
        subject=queue.name,
        severity=IncidentSeverity.CRITICAL,
        text=f"{count_text(queue.stranded)} cannot leave {queue.name}: a binding or queue is missing behind it",
        advice="postroom topology apply. The broker tries again every three minutes; nothing is lost",
        since=since,
    )
