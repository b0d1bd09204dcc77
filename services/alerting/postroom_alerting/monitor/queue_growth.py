"""Queues that grow although they are read."""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import fmean

from postroom.broker.management import QueueInfo
from postroom.durations import rough_duration
from postroom_alerting.classification import IncidentSeverity
from postroom_alerting.incidents.conditions import Condition
from postroom_alerting.monitor.findings import Finding

KIND = "queue-growing"
PARTS = 3


class QueueGrowthCheck:
    """Checks how the length of a queue has changed over the last `window`.

    Args:
        window: a burst that is worked off within it is no condition.
        at_least: by how many messages a queue must have grown in it.
    """

    kind = KIND

    def __init__(self, window: timedelta, at_least: int) -> None:
        self._window = window
        self._at_least = at_least
        self._lengths: dict[str, deque[tuple[datetime, int]]] = {}

    def check(self, queue: QueueInfo, now: datetime) -> Finding | None:
        """See QueueCheck. None before the queue has been seen for the whole window."""
        lengths = self._lengths.setdefault(queue.name, deque())
        lengths.append((now, queue.messages))
        begin = now - self._window
        if lengths[0][0] > begin:
            return None if queue.messages else Finding(f"{KIND} {queue.name}")
        while lengths[1][0] <= begin:
            lengths.popleft()
        grown = growth([length for _at, length in lengths], self._at_least)
        if not (grown and queue.consumers):
            return Finding(f"{KIND} {queue.name}")
        return Finding(f"{KIND} {queue.name}", [growing_queue(queue, grown, self._window, begin)])

    def forget(self, watched: Mapping[str, object]) -> None:
        """See QueueCheck."""
        self._lengths = {name: lengths for name, lengths in self._lengths.items() if name in watched}


def growth(lengths: Sequence[int], at_least: int) -> int:
    """By how much a queue has grown; 0 unless the mean of each third of the window is above the one before."""
    if len(lengths) < PARTS:
        return 0
    size = len(lengths) // PARTS
    thirds = [fmean(lengths[part * size : (part + 1) * size]) for part in range(PARTS)]
    grown = lengths[-1] - lengths[0]
    return grown if thirds[0] < thirds[1] < thirds[2] and grown >= at_least else 0


def growing_queue(queue: QueueInfo, grown: int, window: timedelta, since: datetime) -> Condition:
    """The condition."""
    return Condition(
        key=f"{KIND} {queue.name}",
        kind=KIND,
        subject=queue.name,
        severity=IncidentSeverity.WARNING,
        text=f"{queue.name} has grown by {grown} to {queue.messages} messages in {rough_duration(window)}, "
        f"with {queue.consumers} reading",
        advice="Start more processes of its service, or find out what slows it down: postroom status",
        since=since,
    )
