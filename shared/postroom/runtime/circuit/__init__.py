"""A circuit breaker: stops a process from trying while its provider is away, and finds out when it is back.

Closed: everybody goes ahead. Open: all wait; after a pause it is half open and one of them goes ahead as a probe, first
those that have not failed themselves. If it gets through, all go; if not, it waits at the end of the row, and the pause
doubles up to LONGEST_PAUSE.
"""

import asyncio
import logging
import time
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from postroom.privacy.masking import mask_text
from postroom.telemetry import metrics
from postroom.wire.errors import Requeued

log = logging.getLogger(__name__)

FIRST_PAUSE = timedelta(seconds=0.5)
LONGEST_PAUSE = timedelta(seconds=8)
"""After a provider's return work goes on within this."""

_STOPPED = "the service stops"

UNASKED = timedelta(minutes=1)
"""With nothing to try for so long nobody knows any more that the provider is away, and nobody is told so."""


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


class CircuitBreaker:
    """A service's view, in this process, of the provider that its handlers work with.

    Args:
        service: whose.

    Attributes:
        failed_probes: how many probes found it away. One that did since a message's own failure shows that this
            failure was not the message's.
        changed: set when it opens and when it closes; cleared by whoever waits for it.
    """

    def __init__(self, service: str) -> None:
        self.failed_probes = 0
        self.changed = asyncio.Event()
        self._gauge = metrics.CIRCUIT_OPEN.labels(service)
        self._gauge.set(0)
        self._is_open = False
        self._is_stopped = False
        self._probe_is_out = False
        self._fresh: deque[asyncio.Future[bool | None]] = deque()
        self._failed: deque[asyncio.Future[bool | None]] = deque()
        self._pause = FIRST_PAUSE
        self._next_probe: asyncio.TimerHandle | None = None
        self._next_probe_at = 0.0  # event loop time
        self._giving_up: asyncio.TimerHandle | None = None  # set while a probe is due and nothing waits
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
        return Outage(self._reason, self._since, self._held, round(seconds, 1))

    async def admit(self, *, has_failed: bool = False, unless: asyncio.Future[Any] | None = None) -> bool:
        """Wait for the turn to try. The answer says whether this try is a probe, which must be reported.

        Raises Requeued when the process stops, and when `unless` is done first.

        Args:
            has_failed: whether this message has found the provider away itself.
            unless: after this there is nothing to try any more.
        """
        if not self._is_open:
            return False
        if self._is_stopped:
            raise Requeued(_STOPPED)
        turn: asyncio.Future[bool | None] = asyncio.get_running_loop().create_future()
        row = self._failed if has_failed else self._fresh
        row.append(turn)
        if unless is not None:
            unless.add_done_callback(lambda _: _send_home(turn))
        if self._giving_up is not None:
            self._probe()
        try:
            is_probe = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was given the turn and cannot use it
                self.record_inconclusive(is_probe=bool(turn.result()))
            raise
        finally:
            if turn in row:
                row.remove(turn)
        if is_probe is None:
            raise Requeued(_STOPPED if self._is_stopped else "the broker has taken it back")
        return is_probe

    def record_success(self, *, is_probe: bool) -> None:
        """A try reached the provider."""
        if is_probe:
            self._probe_is_out = False
            log.warning("The provider is back; %d messages go on", self._held)
            self._close()
            while self._give_turn(is_probe=False):
                pass

    def record_outage(self, reason: str, retry_after: timedelta | None, *, is_probe: bool) -> None:
        """A try found the provider away. `retry_after` is when it wants to be asked again, if it said so."""
        if not self._is_open:
            self._is_open = True
            self._reason, self._since = mask_text(reason), datetime.now(UTC)
            self._gauge.set(1)
            self.changed.set()
            log.warning("The provider is away, no attempt is used until it is back: %s", self._reason)
            self._probe_later(retry_after)
        elif is_probe:
            self._probe_is_out = False
            self.failed_probes += 1
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            self._probe_later(retry_after)
        elif retry_after is not None:
            self._probe_later(retry_after)

    def record_inconclusive(self, *, is_probe: bool) -> None:
        """A try ended in a way that says nothing about the provider: the next message may try at once."""
        if is_probe:
            self._probe_is_out = False
            self._probe()

    def stop(self) -> None:
        """Send home all who wait, and all who would from now on."""
        self._is_stopped = True
        for row in (self._fresh, self._failed):
            while row:
                _send_home(row.popleft())

    @property
    def _held(self) -> int:
        return len(self._fresh) + len(self._failed)

    def _close(self) -> None:
        self._is_open = False
        self._pause = FIRST_PAUSE
        self._stop_timers()
        self._gauge.set(0)
        self.changed.set()

    def _close_unasked(self) -> None:
        log.warning("Nothing was there to try for %d s; the next message will show", UNASKED.total_seconds())
        self._close()

    def _probe_later(self, retry_after: timedelta | None = None) -> None:
        loop = asyncio.get_running_loop()
        at = loop.time() + (retry_after or self._pause).total_seconds()
        if self._next_probe is not None:
            at = max(at, self._next_probe_at)
        self._stop_timers()
        self._next_probe_at = at
        self._next_probe = loop.call_at(at, self._pause_is_over)

    def _pause_is_over(self) -> None:
        self._next_probe = None
        self._probe()

    def _probe(self) -> None:
        """Let the next message try, unless it is not time yet. If there is none, the next that comes, for a while."""
        if self._probe_is_out or self._next_probe is not None:
            return
        self._stop_timers()
        self._probe_is_out = self._give_turn(is_probe=True)
        if not self._probe_is_out:
            seconds = UNASKED.total_seconds()
            self._giving_up = asyncio.get_running_loop().call_later(seconds, self._close_unasked)

    def _stop_timers(self) -> None:
        for timer in (self._next_probe, self._giving_up):
            if timer is not None:
                timer.cancel()
        self._next_probe = self._giving_up = None

    def _give_turn(self, *, is_probe: bool) -> bool:
        for row in (self._fresh, self._failed):
            while row:
                turn = row.popleft()
                if not turn.done():  # else its message was cancelled meanwhile
                    turn.set_result(is_probe)
                    return True
        return False


def _send_home(turn: "asyncio.Future[bool | None]") -> None:
    """Its message is not to be tried here any more."""
    if not turn.done():
        turn.set_result(None)
