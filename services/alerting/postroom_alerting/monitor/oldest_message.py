"""The age of a queue's oldest message, from counts: no broker reports it for a quorum queue.

The messages that have arrived are those that are in the queue and those that have left it. So the oldest message
arrived when the number of arrivals exceeded the present number of departures. Redelivered messages keep their place. A
message that the broker itself removes (a dead letter) makes the others look older, until the queue is empty once.
"""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class OldestMessage:
    """The oldest message: in the queue since `since`, or for longer when that is not `exact`."""

    since: datetime
    exact: bool


class OldestMessageCounter:
    """Counts the arrivals and departures of one queue.

    Args:
        resolution: arrivals closer together than this are counted as one; a message may look older by as much.
    """

    def __init__(self, resolution: timedelta) -> None:
        self._resolution = resolution
        self._settled_before = 0  # before the broker's last restart: its counts begin anew
        self._settled = 0
        self._arrived = 0
        self._arrivals: deque[tuple[datetime, int]] = deque()  # a time, and how many had arrived by then
        self._unknown = 0  # how many had arrived when the counting began
        self._is_begun = False

    def count(self, at: datetime, messages: int, settled: int) -> OldestMessage | None:
        """Add the broker's figures at `at`. Returns the oldest message, None in an empty queue."""
        if settled < self._settled:
            self._settled_before += self._settled
        self._settled = settled
        total = self._settled_before + settled + messages
        if messages == 0 or not self._is_begun:
            self._begin(at, total, unknown=messages > 0)
        elif total > self._arrived:
            self._arrived = total
            self._note_arrival(at)
        return self._oldest(total - messages) if messages else None

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

    def _oldest(self, departed: int) -> OldestMessage | None:
        while len(self._arrivals) > 1 and self._arrivals[0][1] <= departed:
            self._arrivals.popleft()
        if not self._arrivals:
            return None
        since, arrived = self._arrivals[0]
        return OldestMessage(since, exact=arrived > self._unknown)
