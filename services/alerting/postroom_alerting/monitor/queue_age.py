"""Queues whose oldest message is too old."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from postroom.broker.management import QueueInfo
from postroom.durations import rough_duration
from postroom_alerting.classification import IncidentSeverity
from postroom_alerting.incidents.conditions import Condition
from postroom_alerting.monitor.findings import Finding, count_text
from postroom_alerting.monitor.metrics import OLDEST
from postroom_alerting.monitor.oldest_message import OldestMessage, OldestMessageCounter
from postroom_alerting.monitor.settings import AgeLimits

KIND = "queue-old"
STEPS = 100
"""Arrivals are counted in steps of this part of a limit, so an age is wrong by a hundredth of it at most."""


class QueueAgeCheck:
    """Checks how long the oldest message of a queue has waited.

    Args:
        limits: how long it may wait.
    """

    kind = KIND

    def __init__(self, limits: AgeLimits) -> None:
        self._limits = limits
        self._counts: dict[str, OldestMessageCounter] = {}

    def check(self, queue: QueueInfo, now: datetime) -> Finding | None:
        """See QueueCheck. None while the oldest message may be older than is known."""
        limit = self._limits.of(queue.name)
        count = self._counts.setdefault(queue.name, OldestMessageCounter(limit / STEPS))
        oldest = count.count(now, queue.messages, queue.settled)
        OLDEST.labels(queue.name).set((now - oldest.since).total_seconds() if oldest else 0)
        if oldest is not None and now - oldest.since >= limit:
            return Finding(f"{KIND} {queue.name}", [old_queue(queue, oldest, limit, now)])
        return Finding(f"{KIND} {queue.name}") if oldest is None or oldest.exact else None

    def forget(self, watched: Mapping[str, object]) -> None:
        """See QueueCheck."""
        for name in self._counts.keys() - watched.keys():
            OLDEST.remove(name)
        self._counts = {name: count for name, count in self._counts.items() if name in watched}


def old_queue(queue: QueueInfo, oldest: OldestMessage, limit: timedelta, now: datetime) -> Condition:
    """The condition."""
    age = rough_duration(now - oldest.since)
    return Condition(
        key=f"{KIND} {queue.name}",
        kind=KIND,
        subject=queue.name,
        severity=IncidentSeverity.WARNING,
        text=f"the oldest of {count_text(queue.messages)} in {queue.name} has waited "
        f"{age if oldest.exact else f'at least {age}'}; the limit is {rough_duration(limit)}",
        advice="Is its provider away (postroom status), or is it more work than its processes can do? Start more of "
        "them. The limit is ALERTING_QUEUE_LIMITS",
        since=oldest.since + limit,
    )
