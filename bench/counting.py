"""What every compared consumer counts, in the same way."""

import asyncio
import json
import time
from dataclasses import asdict, dataclass

IDLE_SECONDS = 1.5
"""A consumer that got nothing for so long is done."""


@dataclass
class Count:
    """How many messages were handled, and when the first and the last (wall clock, seconds)."""

    messages: int = 0
    first: float = 0.0
    last: float = 0.0

    def add(self) -> None:
        """One more."""
        self.last = time.time()
        self.first = self.first or self.last
        self.messages += 1

    async def until_idle(self) -> None:
        """Return when nothing came for a while, after something did."""
        while not self.messages or time.time() - self.last < IDLE_SECONDS:
            await asyncio.sleep(0.1)

    def print(self) -> None:
        """Tell the bench, on standard output."""
        print(json.dumps(asdict(self)), flush=True)


PREFETCH = 200
"""The same for all."""
