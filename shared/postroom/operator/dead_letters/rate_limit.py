"""The rate of a replay: how many messages are taken, published and moved together, and the pauses between them."""

import asyncio
from dataclasses import dataclass, field

from postroom.operator.dead_letters.reading import BATCH

IDS_PER_EVENT = 50
"""Messages named in one event: what a kill may leave published and not moved."""

_BATCHES_A_SECOND = 10
"""With a rate: how many batches go a second, so that a message is moved within a tenth of a second of its event."""

_SECONDS_IN_HAND = 60.0
"""With a rate: for how long messages are taken at once. The broker limits how long a reader holds them (reading.py)."""

SLOWEST_PER_SECOND = 1 / _SECONDS_IN_HAND
"""The lowest rate there is: with one message in hand."""


@dataclass(slots=True)
class ReplayRate:
    """At most `per_second` messages a second, SLOWEST_PER_SECOND or more; None is as fast as the broker confirms."""

    per_second: float | None = None
    _next_at: float = field(default=0.0, init=False)

    @property
    def at_once(self) -> int:
        """How many messages go together."""
        if self.per_second is None:
            return IDS_PER_EVENT
        return max(1, min(IDS_PER_EVENT, int(self.per_second / _BATCHES_A_SECOND)))

    @property
    def in_hand(self) -> int:
        """How many messages are taken from the dead together."""
        return BATCH if self.per_second is None else max(1, min(BATCH, int(self.per_second * _SECONDS_IN_HAND)))

    async def wait(self, count: int, stop: asyncio.Event) -> None:
        """Until the next `count` messages may go, or `stop` is set."""
        if self.per_second is None:
            return
        now = asyncio.get_running_loop().time()
        pause = self._next_at - now
        self._next_at = max(self._next_at, now) + count / self.per_second
        if pause > 0:
            try:
                await asyncio.wait_for(stop.wait(), pause)
            except TimeoutError:
                return
