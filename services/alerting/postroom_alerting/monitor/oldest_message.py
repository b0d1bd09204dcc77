"""How old the oldest message of a queue is, found by counting: no broker tells that of a quorum queue.

All that ever came in is what is there and what went out. The oldest message came in when the count of arrivals passed
the present count of departures. Redelivered messages keep their place; what the broker itself takes out (a message it
buries) makes the rest look older, until the queue is empty once.
"""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Head:
    """The oldest message: in the queue since `since`, or even longer where that is not `exact`."""

    since: datetime
    exact: bool


class HeadCount:
    """Counts one queue's arrivals and departures.

    Args:
        resolution: arrivals that close together are taken for one; what that makes a message too old by.
    """

    def __init__(self, resolution: timedelta) -> None:
        self._resolution = resolution
        self._settled_before = 0  # of the broker's former counts, which begin anew when it restarts
        self._settled = 0
        self._arrived = 0
        self._arrivals: deque[tuple[datetime, int]] = deque()  # a time, and how many had arrived by then
        self._unknown = 0  # how many had arrived when the counting began
        self._is_begun = False

    def count(self, at: datetime, messages: int, settled: int) -> Head | None:
        """Count what the broker says at `at`; the oldest message, None in an empty queue."""
        if settled < self._settled:
            self._settled_before += self._settled
        self._settled = settled
        total = self._settled_before + settled + messages
        if messages == 0 or not self._is_begun:
            self._begin(at, total, unknown=messages > 0)
        elif total > self._arrived:
            self._arrived = total
            self._note_arrival(at)
        return self._head(total - messages) if messages else None

    def _begin(self, at: datetime, total: int, *, unknown: bool) -> None:
        self._arrivals.clear()
        self._is_begun, self._arrived = True, total
        self._unknown = total if unknown else 0
        if unknown:
            self._arrivals.append((at, total))

    def _note_arrival(self, at: datetime) -> None:
        if self._arrivals and at - self._arrivals[-1][0] < self._resolution:
            self._arrivals[-1] = (self._arrivals[-1][0], self._arrived)
        else:
            self._arrivals.append((at, self._arrived))

    def _head(self, departed: int) -> Head | None:
        while len(self._arrivals) > 1 and self._arrivals[0][1] <= departed:
            self._arrivals.popleft()
        if not self._arrivals:
            return None
        since, arrived = self._arrivals[0]
        return Head(since, exact=arrived > self._unknown)
