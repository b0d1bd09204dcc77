"""What the broker's management API says at one moment."""

from dataclasses import dataclass
from datetime import datetime

from postroom.broker.management import Management, NodeInfo, QueueInfo


@dataclass(frozen=True, slots=True)
class BrokerSnapshot:
    """Nodes and queues of the broker at a moment."""

    at: datetime
    version: str
    nodes: tuple[NodeInfo, ...]
    queues: tuple[QueueInfo, ...]


def take_snapshot(management: Management, at: datetime) -> BrokerSnapshot:
    """Ask the broker. Raises ManagementError; blocks, so it is called in a thread."""
    return BrokerSnapshot(at, management.version(), tuple(management.nodes()), tuple(management.queues()))
