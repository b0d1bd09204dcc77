"""Queues without consumers."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from postroom.broker.management import QueueInfo
from postroom.durations import rough_duration
from postroom_alerting.classification import IncidentSeverity
from postroom_alerting.incidents.conditions import Condition
from postroom_alerting.monitor.findings import Finding, waiting_text

KIND = "queue-without-consumers"


class QueueConsumersCheck:
    """Checks how long a queue has had no consumer.

    Args:
        grace: how long a queue may be without a consumer, while its service restarts.
    """

    kind = KIND

    def __init__(self, grace: timedelta) -> None:
        self._grace = grace
        self._without_since: dict[str, datetime] = {}

    def check(self, queue: QueueInfo, now: datetime) -> Finding | None:
        """See QueueCheck. None within the grace."""
        if queue.consumers:
            self._without_since.pop(queue.name, None)
            return Finding(f"{KIND} {queue.name}")
        since = self._without_since.setdefault(queue.name, now)
        if now - since < self._grace:
            return None
        return Finding(f"{KIND} {queue.name}", [unread_queue(queue, since, now)])

    def forget(self, watched: Mapping[str, object]) -> None:
        """See QueueCheck."""
        self._without_since = {name: since for name, since in self._without_since.items() if name in watched}


def unread_queue(queue: QueueInfo, since: datetime, now: datetime) -> Condition:
    """The condition."""
    service = queue.name.partition(".")[0]
    return Condition(
        key=f"{KIND} {queue.name}",
        kind=KIND,
        subject=queue.name,
        severity=IncidentSeverity.CRITICAL,
        text=f"nobody has read {queue.name} for {rough_duration(now - since)}; {waiting_text(queue.messages)} in it",
        advice=f"Is the service {service} running, and what does its /readyz say? postroom status",
        since=since,
    )
