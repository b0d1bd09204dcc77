"""Queues whose messages the broker cannot move on: expired ones of the delay ladder, and its own dead letters.

The broker keeps such messages and tries again every three minutes.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from postroom.broker.management import QueueInfo
from postroom_alerting.classification import IncidentSeverity
from postroom_alerting.incidents.conditions import Condition
from postroom_alerting.monitor.findings import Finding, count_text

KIND = "queue-stuck"
GRACE = timedelta(seconds=60)


class StuckQueuesCheck:
    """Checks how long messages of a queue have been stuck, with none of them moving on."""

    kind = KIND

    def __init__(self) -> None:
        self._seen: dict[str, tuple[datetime, int]] = {}

    def check(self, queue: QueueInfo, now: datetime) -> Finding | None:
        """See QueueCheck. None within the grace, for every message takes a moment to move on."""
        since, before = self._seen.get(queue.name, (now, 0))
        if not queue.stranded:
            self._seen.pop(queue.name, None)
            return Finding(f"{KIND} {queue.name}")
        if queue.stranded < before:
            since = now
        self._seen[queue.name] = since, queue.stranded
        if now - since < GRACE:
            return None
        return Finding(f"{KIND} {queue.name}", [stuck_queue(queue, since)])

    def forget(self, watched: Mapping[str, object]) -> None:
        """See QueueCheck."""
        self._seen = {name: seen for name, seen in self._seen.items() if name in watched}


def stuck_queue(queue: QueueInfo, since: datetime) -> Condition:
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
