"""The events by which other processes tell of their providers, and schedulers of their ticks.

Each stores one row and does nothing else, so what dies here is of a broken contract. It becomes a dead letter like any
other and causes no event that is listened to here: no circle.
"""

from datetime import UTC, datetime

from postroom.runtime import Keep, Worker
from postroom.wire.messages import CircuitClosed, CircuitOpened, SchedulerMeasured
from postroom_alerting.monitor.heartbeats import HeardLog

OPTIONS = {"needs_provider": False, "history": Keep.ON_FAILURE}


def listen(worker: Worker) -> None:
    """Register the listeners on alerting's worker."""
    worker.listens(CircuitOpened, **OPTIONS)(note_opened)
    worker.listens(CircuitClosed, **OPTIONS)(note_closed)
    worker.listens(SchedulerMeasured, **OPTIONS)(note_measured)


async def note_opened(event: CircuitOpened, heard: HeardLog) -> None:
    """A process waits for its provider, or still does."""
    await heard.opened(event, datetime.now(UTC))


async def note_closed(event: CircuitClosed, heard: HeardLog) -> None:
    """Its provider is back."""
    await heard.closed(event, datetime.now(UTC))


async def note_measured(event: SchedulerMeasured, heard: HeardLog) -> None:
    """A scheduler says how late it is."""
    await heard.measured(event, datetime.now(UTC))
