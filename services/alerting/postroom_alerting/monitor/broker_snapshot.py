"""One look at the broker through its management API."""

from dataclasses import dataclass
from datetime import datetime

from postroom.broker.management import Management, NodeInfo, QueueInfo


@dataclass(frozen=True, slots=True)
class Look:
    """What the broker had at a moment."""

    at: datetime
    version: str
    nodes: tuple[NodeInfo, ...]
    queues: tuple[QueueInfo, ...]


def look(management: Management, at: datetime) -> Look:
    """Ask the broker. Raises ManagementError; blocks, so it is called in a thread."""
    return Look(at, management.version(), tuple(management.nodes()), tuple(management.queues()))
