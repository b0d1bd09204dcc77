"""How often and how fast a process does its messages, published once a minute as the event `job.measured`.

Counting costs a message one entry in a dict. What is published is a statistic, not a ledger: a process that is killed
loses what it counted since it last published, a minute at most while the broker is there.
"""

import asyncio
import logging
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import uuid4

from postroom.broker.publishing import Publisher
from postroom.runtime.background import raise_if_cancelled
from postroom.wire.messages import JobMeasured, Measured

log = logging.getLogger(__name__)

PUBLISH_EVERY = timedelta(minutes=1)
STEP = 1.12
"""From one bound to the next: a percentile that is read from the bounds is at most so much too high."""

LONGEST_MILLISECONDS = 1_800_000.0  # 30 min, the broker's acknowledgement time-out

Outcome = Literal["done", "retried", "dead"]


def _bounds() -> Iterator[float]:
    bound = 1.0
    while bound < LONGEST_MILLISECONDS:
        yield float(f"{bound:.4g}")
        bound *= STEP
    yield LONGEST_MILLISECONDS


BOUNDS = tuple(_bounds())
"""Upper bounds in milliseconds, 1 to LONGEST_MILLISECONDS; whatever took longer counts under the last."""


class Meter:
    """Counts the tries of one queue."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[tuple[Outcome, int], int] = defaultdict(int)

    def count(self, outcome: Outcome, seconds: float) -> None:
        """One try ended."""
        self._counts[outcome, bisect_left(BOUNDS, seconds * 1000)] += 1

    def take(self) -> list[Measured]:
        """What was counted since the last call."""
        counts, self._counts = self._counts, defaultdict(int)
        summed: Counter[tuple[Outcome, float]] = Counter()
        for (outcome, bound), count in counts.items():
            summed[outcome, BOUNDS[min(bound, len(BOUNDS) - 1)]] += count
        return [
            Measured(outcome=outcome, milliseconds=milliseconds, count=count)
            for (outcome, milliseconds), count in sorted(summed.items())
        ]


class MeasurementPublisher:
    """Publishes what a process's meters counted. Never raises, and waits for the broker apart from all work.

    Args:
        service: whose measurements they are.
        publisher: a connection of its own; while that is lost, the meters go on.
        meters: by queue.
    """

    def __init__(
        self,
        service: str,
        publisher: Publisher,
        meters: Mapping[str, Meter],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._publisher = publisher
        self._meters = meters
        self._clock = clock
        self._taken_at = clock()
        self._pending: dict[str, JobMeasured] = {}  # by message id
        self._publishing = asyncio.Lock()

    async def keep_publishing(self) -> None:
        """Publish once a minute until cancelled."""
        while True:
            await asyncio.sleep(PUBLISH_EVERY.total_seconds())
            await self.publish()

    async def publish(self) -> None:
        """Publish what was counted. What is not confirmed is published next time, under the same id."""
        async with self._publishing:
            try:
                await self._publish_pending()
                if self._publisher.is_connected:
                    self._pending = {str(uuid4()): event for event in self._take()}
                    await self._publish_pending()
            except Exception as error:  # noqa: BLE001 - figures are not worth a process
                raise_if_cancelled()
                log.info("The measurements are published later: %s", type(error).__name__)

    async def _publish_pending(self) -> None:
        for message_id, event in list(self._pending.items()):
            await self._publisher.publish(event, message_id=message_id)
            del self._pending[message_id]

    def _take(self) -> Iterator[JobMeasured]:
        now = self._clock()
        seconds, self._taken_at = round(now - self._taken_at, 3), now
        for queue, meter in self._meters.items():
            if outcomes := meter.take():
                at = datetime.now(UTC)
                yield JobMeasured(service=self._service, queue=queue, at=at, seconds=seconds, outcomes=outcomes)
