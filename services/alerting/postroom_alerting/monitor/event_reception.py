"""Since when processes can be heard: silence before that says nothing of them."""

from collections.abc import Callable
from datetime import datetime

from postroom.runtime.circuit.outages import TELL_EVERY
from postroom_alerting.monitor.broker_snapshot import Look
from postroom_alerting.monitor.process_checks import SILENCE

LONGEST_PAUSE = SILENCE - TELL_EVERY
"""So long after we last listened, somebody who tells once a minute may seem to have been silent for SILENCE."""


class Hearing:
    """Whether what processes tell reaches us.

    Args:
        is_connected: whether there is a connection to the broker.

    Attributes:
        since: when it last did not.
    """

    def __init__(self, is_connected: Callable[[], bool], now: datetime) -> None:
        self._is_connected = is_connected
        self._is_alarmed = False
        self._listened_at = now
        self.since = now

    def saw(self, look: Look) -> None:
        """What the broker was like: in an alarm nobody can publish. While it cannot be looked at, that stays."""
        self._is_alarmed = any(node.alarms for node in look.nodes)

    def listened(self, now: datetime) -> None:
        """All that was told until `now` has been read. It was not for a while when our database was away."""
        was_away = now - self._listened_at > LONGEST_PAUSE
        if was_away or self._is_alarmed or not self._is_connected():
            self.since = now
        self._listened_at = now
