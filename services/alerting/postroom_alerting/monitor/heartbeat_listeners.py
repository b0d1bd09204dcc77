"""Listeners for the heartbeats of other processes: circuits of their providers, and lateness of schedulers.

Each stores one row and does nothing else, so only an event that breaks its contract becomes a dead letter here. Such a
dead letter causes no event that these listeners read: there is no loop.
"""

from datetime import UTC, datetime

from postroom.wire.messages import CircuitClosed, CircuitOpened, SchedulerMeasured
from postroom.worker import Keep, Worker
from postroom_alerting.monitor.heartbeats import HeartbeatLog

OPTIONS = {"needs_provider": False, "history": Keep.ON_FAILURE}


def register_listeners(worker: Worker) -> None:
    """Register the listeners on alerting's worker."""
    worker.listens(CircuitOpened, **OPTIONS)(note_opened)
    worker.listens(CircuitClosed, **OPTIONS)(note_closed)
    worker.listens(SchedulerMeasured, **OPTIONS)(note_measured)


async def note_opened(event: CircuitOpened, heartbeats: HeartbeatLog) -> None:
    """A process waits for its provider, or still does."""
    await heartbeats.opened(event, datetime.now(UTC))


async def note_closed(event: CircuitClosed, heartbeats: HeartbeatLog) -> None:
    """Its provider is back."""
    await heartbeats.closed(event, datetime.now(UTC))


async def note_measured(event: SchedulerMeasured, heartbeats: HeartbeatLog) -> None:
    """How late a scheduler is."""
    await heartbeats.measured(event, datetime.now(UTC))
