"""Stops a process from trying while its provider is away, and finds out when it is back.

Closed: everybody goes ahead. Open: all wait in a row; after a pause the first of them goes ahead as a probe. If it
gets through, all go; if not, it waits at the end of the row, and the pause doubles up to LONGEST_PAUSE.
"""

import asyncio
import logging
import time
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.masking import mask_text
from shared.telemetry import metrics

log = logging.getLogger(__name__)

FIRST_PAUSE = timedelta(seconds=0.5)
LONGEST_PAUSE = timedelta(seconds=8)
"""After a provider's return work goes on within this."""


@dataclass(frozen=True, slots=True)
class Outage:
    """Why a circuit is open, since when, how many messages wait, and in how many seconds one of them tries."""

    reason: str
    since: datetime
    held: int
    next_probe_seconds: float

    def to_json(self) -> dict[str, Any]:
        """For `/readyz`."""
        return asdict(self)


class Circuit:
    """One process's view of the provider that its handlers work with.

    Attributes:
        closings: how often it has closed. A message that fails again although others got through in between has
            a problem of its own.
        changed: set when it opens and when it closes; cleared by whoever waits for it.
    """

    def __init__(self) -> None:
        self.closings = 0
        self.changed = asyncio.Event()
        self._is_open = False
        self._is_stopped = False
        self._probe_is_out = False
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._pause = FIRST_PAUSE
        self._next_probe: asyncio.TimerHandle | None = None
        self._next_probe_at = 0.0  # event loop time
        self._reason = ""
        self._since = datetime.now(UTC)

    @property
    def is_open(self) -> bool:
        """Whether the provider is taken to be away."""
        return self._is_open

    @property
    def outage(self) -> Outage | None:
        """What there is to say while it is open. May be asked from another thread."""
        if not self._is_open:
            return None
        seconds = max(0.0, self._next_probe_at - time.monotonic())  # the event loop's clock
        return Outage(self._reason, self._since, len(self._waiting), round(seconds, 1))

    async def admitted(self) -> bool:
        """Wait for the turn to try. The answer says whether this try is a probe, which must be reported.

        Raises CancelledError when the process stops.
        """
        if not self._is_open:
            return False
        if self._is_stopped:
            raise asyncio.CancelledError
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        if self._next_probe is None and not self._probe_is_out:
            self._probe_later()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was given the turn and cannot use it
                self.undecided(is_probe=turn.result())
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise

    def passed(self, *, is_probe: bool) -> None:
        """A try reached the provider."""
        if is_probe:
            self._probe_is_out = self._is_open = False
            self.closings += 1
            self._pause = FIRST_PAUSE
            metrics.CIRCUIT_OPEN.set(0)
            self.changed.set()
            log.warning("The provider is back; %d messages go on", len(self._waiting))
            while self._waiting:
                self._give_turn(is_probe=False)

    def refused(self, reason: str, retry_after: timedelta | None, *, is_probe: bool) -> None:
        """A try found the provider away. `retry_after` is when it wants to be asked again, if it said so."""
        if not self._is_open:
            self._is_open = True
            self._reason, self._since = mask_text(reason), datetime.now(UTC)
            metrics.CIRCUIT_OPEN.set(1)
            self.changed.set()
            log.warning("The provider is away, no attempt is used until it is back: %s", reason)
            self._probe_later(retry_after)
        elif is_probe:
            self._probe_is_out = False
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            self._probe_later(retry_after)
        elif retry_after is not None:
            self._probe_later(retry_after)

    def undecided(self, *, is_probe: bool) -> None:
        """A try ended in a way that says nothing about the provider."""
        if is_probe:
            self._probe_is_out = False
            self._probe_later()

    def stop(self) -> None:
        """Send home all who wait, and all who would from now on."""
        self._is_stopped = True
        while self._waiting:
            self._waiting.popleft().cancel()

    def _probe_later(self, retry_after: timedelta | None = None) -> None:
        loop = asyncio.get_running_loop()
        at = loop.time() + (retry_after or self._pause).total_seconds()
        if self._next_probe is not None:
            at = max(at, self._next_probe_at)
            self._next_probe.cancel()
        self._next_probe_at = at
        self._next_probe = loop.call_at(at, self._probe)

    def _probe(self) -> None:
        self._next_probe = None
        if not self._probe_is_out:
            self._probe_is_out = self._give_turn(is_probe=True)

    def _give_turn(self, *, is_probe: bool) -> bool:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # else its message was cancelled meanwhile
                turn.set_result(is_probe)
                return True
        return False
