"""Checks of the broker itself: alarms, nodes that are down or partitioned, and its management API."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from postroom.broker.management import ManagementError, ManagementRefused, NodeInfo
from postroom.durations import rough_duration
from postroom_alerting.classification import IncidentSeverity
from postroom_alerting.incidents.conditions import Condition
from postroom_alerting.monitor.broker_snapshot import BrokerSnapshot
from postroom_alerting.monitor.findings import Finding

SOURCE = "nodes"
UNREACHABLE = "management-unreachable"
GRACE = timedelta(seconds=30)

_ADVICE = {
    "memory": "Publishers are stopped. Find the queue that grew (postroom status) and start more of its service",
    "disk": "Publishers are stopped. Make room on the disk of the broker's data",
}


def check_nodes(snapshot: BrokerSnapshot) -> Finding:
    """The conditions of all nodes."""
    return Finding(SOURCE, [condition for node in snapshot.nodes for condition in _of_node(node, snapshot.at)])


def _of_node(node: NodeInfo, now: datetime) -> Iterator[Condition]:
    if not node.is_running:
        text, advice = f"node {node.name} of the broker is down", "Start it: the others carry on while most are up"
        yield _critical("broker-node-down", node.name, text, advice, now)
    for alarm in node.alarms:
        text = f"node {node.name} is in a {alarm} alarm: nobody can publish until it ends"
        yield _critical("broker-alarm", f"{node.name} {alarm}", text, _ADVICE[alarm], now)
    if node.partitioned_from:
        text = f"node {node.name} has lost sight of {', '.join(node.partitioned_from)}"
        advice = "Mend the network between them, then restart the nodes of the smaller part"
        yield _critical("broker-partition", node.name, text, advice, now)


def _critical(kind: str, subject: str, text: str, advice: str, now: datetime) -> Condition:
    return Condition(f"{kind} {subject}", kind, subject, IncidentSeverity.CRITICAL, text, advice, now)


class ManagementApiCheck:
    """Checks whether the management API answers."""

    def __init__(self) -> None:
        self._failing_since: datetime | None = None

    def answered(self) -> Finding:
        """It answered."""
        self._failing_since = None
        return Finding(UNREACHABLE)

    def failed(self, error: ManagementError, now: datetime) -> Finding | None:
        """It did not answer. None within the grace."""
        self._failing_since = self._failing_since or now
        duration = now - self._failing_since
        if duration < GRACE:
            return None
        is_refused = isinstance(error, ManagementRefused)
        text = f"RabbitMQ's management API {'refuses us' if is_refused else 'cannot be asked'}: {error}"
        advice = f"For {rough_duration(duration)} nobody has watched queues and alarms. " + (
            "POSTROOM_MANAGEMENT_URL needs a user with the tag monitoring and a permission in the virtual host"
            if is_refused
            else "Is the broker running?"
        )
        condition = Condition(
            UNREACHABLE, UNREACHABLE, "management API", IncidentSeverity.CRITICAL, text, advice, self._failing_since
        )
        return Finding(UNREACHABLE, [condition])
