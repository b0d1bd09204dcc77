"""Checks of queues, on snapshots that the test makes."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from postroom.broker.management import QueueInfo
from postroom_alerting.incidents.conditions import Condition
from postroom_alerting.monitor.broker_snapshot import BrokerSnapshot
from postroom_alerting.monitor.queue_checks import QueueChecks
from postroom_alerting.monitor.settings import MonitorSettings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def queue(name: str, messages: int = 0, consumers: int = 1, **changes: Any) -> QueueInfo:
    """A declared queue, read by somebody."""
    given = {"policy": f"postroom.{name}", **changes}
    return QueueInfo(name, "quorum", True, False, False, {}, messages, consumers, **given)


class QueueCheckHarness:
    """Polls queues one snapshot after the other, and knows which conditions last."""

    def __init__(self, **settings: Any) -> None:
        self.checks = QueueChecks(MonitorSettings(**settings))
        self.sources: dict[str, list[Condition]] = {}

    def poll(self, after: timedelta, *queues: QueueInfo) -> set[str]:
        """The conditions that last after one snapshot, by key."""
        snapshot = BrokerSnapshot(NOON + after, "4.3.6", (), queues)
        open_sources = [source for source, conditions in self.sources.items() if conditions]
        for finding in (*self.checks.check(snapshot), *self.checks.ended(snapshot, open_sources)):
            self.sources[finding.source] = list(finding.conditions)
        return set(self.lasting)

    def restart(self, **settings: Any) -> None:
        """A new process, which finds the open conditions in its database."""
        self.checks = QueueChecks(MonitorSettings(**settings))

    def polls(self, queues: Iterable[tuple[timedelta, QueueInfo]]) -> set[str]:
        """The conditions that last after many snapshots of one queue."""
        seen: set[str] = set()
        for after, each in queues:
            seen = self.poll(after, each)
        return seen

    @property
    def lasting(self) -> dict[str, Condition]:
        return {each.key: each for conditions in self.sources.values() for each in conditions}
