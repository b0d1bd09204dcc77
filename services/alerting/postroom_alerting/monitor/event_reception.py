"""Since when all heartbeats have been received: a process that seems silent before that may not have been."""

from collections.abc import Callable
from datetime import datetime

from postroom.runtime.circuit.outages import PUBLISH_EVERY
from postroom_alerting.monitor.broker_snapshot import BrokerSnapshot
from postroom_alerting.monitor.process_checks import HEARTBEAT_TIMEOUT

LONGEST_PAUSE = HEARTBEAT_TIMEOUT - PUBLISH_EVERY
"""After a longer pause in reading heartbeats, a process that sends one a minute may seem to have timed out."""


class EventReception:
    """Whether heartbeats reach us.

    Args:
        is_connected: whether there is a connection to the broker.

    Attributes:
        complete_since: when heartbeats were last prevented from reaching us.
    """

    def __init__(self, is_connected: Callable[[], bool], now: datetime) -> None:
        self._is_connected = is_connected
        self._is_alarmed = False
        self._read_at = now
        self.complete_since = now

    def note_alarms(self, snapshot: BrokerSnapshot) -> None:
        """In an alarm nobody can publish. Without a new snapshot an alarm is taken to last."""
        self._is_alarmed = any(node.alarms for node in snapshot.nodes)

    def note_read(self, now: datetime) -> None:
        """All heartbeats stored until `now` have been read; after a while in which our database was away, late."""
        was_away = now - self._read_at > LONGEST_PAUSE
        if was_away or self._is_alarmed or not self._is_connected():
            self.complete_since = now
        self._read_at = now
