"""Queues whose oldest message is too old."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from postroom.broker.management import QueueInfo
from postroom_alerting.classification import IncidentSeverity
from postroom_alerting.incidents.conditions import Condition
from postroom_alerting.monitor.findings import Finding, count_text, duration_text
from postroom_alerting.monitor.metrics import OLDEST
from postroom_alerting.monitor.oldest_message import Head, HeadCount
from postroom_alerting.monitor.settings import AgeLimits

KIND = "queue-old"
STEPS = 100
"""Into how many parts a limit is divided: an age is at most so much of it wrong."""


class Ages:
    """The ages of the oldest messages.

    Args:
        limits: how old they may be.
    """

    kind = KIND

    def __init__(self, limits: AgeLimits) -> None:
        self._limits = limits
        self._counts: dict[str, HeadCount] = {}

    def judge(self, queue: QueueInfo, now: datetime) -> Finding | None:
        """What is to be said of one work queue; None while its oldest message may be older than is known."""
        limit = self._limits.of(queue.name)
        count = self._counts.setdefault(queue.name, HeadCount(limit / STEPS))
        head = count.count(now, queue.messages, queue.settled)
        OLDEST.labels(queue.name).set((now - head.since).total_seconds() if head else 0)
        if head is not None and now - head.since >= limit:
            return Finding(f"{KIND} {queue.name}", [old(queue, head, limit, now)])
        return Finding(f"{KIND} {queue.name}") if head is None or head.exact else None

    def forget(self, watched: Mapping[str, object]) -> None:
        """Keep only what is watched."""
        for name in self._counts.keys() - watched.keys():
            OLDEST.remove(name)
        self._counts = {name: count for name, count in self._counts.items() if name in watched}


def old(queue: QueueInfo, head: Head, limit: timedelta, now: datetime) -> Condition:
    """The condition."""
    age = duration_text(now - head.since)
    return Condition(
        key=f"{KIND} {queue.name}",
        kind=KIND,
        subject=queue.name,
        severity=IncidentSeverity.WARNING,
        text=f"the oldest of {count_text(queue.messages)} in {queue.name} has waited "
        f"{age if head.exact else f'at least {age}'}; the limit is {duration_text(limit)}",
        advice="Is its provider away (postroom status), or is it more work than its processes can do? Start more of "
        "them. The limit is ALERTING_QUEUE_LIMITS",
        since=head.since + limit,
    )
