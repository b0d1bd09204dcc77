"""Tells other programs that a process waits for its provider: the events `circuit.opened` and `circuit.closed`."""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from postroom.broker.publishing import Publisher
from postroom.privacy.redaction import redact
from postroom.runtime.circuit import Circuit, Outage
from postroom.wire.messages import CircuitClosed, CircuitOpened

log = logging.getLogger(__name__)

TELL_EVERY = timedelta(minutes=1)
TELL_AGAIN = timedelta(seconds=5)
"""After the broker did not take an event."""


class OutageTelling:
    """Tells of one process's circuit, apart from all work. What the broker did not take is told again.

    Args:
        service, instance: who tells.
        circuit: of which it tells.
        publisher: by which it tells.
        every: how often it is told while the circuit stays open, so that a listener knows when a process is gone.
    """

    def __init__(
        self, service: str, instance: str, circuit: Circuit, publisher: Publisher, *, every: timedelta = TELL_EVERY
    ) -> None:
        self._service = service
        self._instance = instance
        self._circuit = circuit
        self._publisher = publisher
        self._every = every
        self._told: Outage | None = None

    async def keep_telling(self) -> None:
        """Tell whenever the circuit opens or closes, until cancelled."""
        while True:
            self._circuit.changed.clear()
            wait = self._every
            try:
                await self.tell()
            except Exception as error:  # noqa: BLE001 - news of an outage are not worth a process
                log.info("The state of the circuit is told later: %s", redact(f"{type(error).__name__}: {error}"))
                wait = TELL_AGAIN
            with suppress(TimeoutError):
                await asyncio.wait_for(self._circuit.changed.wait(), wait.total_seconds())

    async def tell(self) -> None:
        """Tell how things are now; nothing when the circuit is closed and that has been told."""
        outage = self._circuit.outage
        if self._told is not None and (outage is None or outage.since != self._told.since):
            await self._publisher.publish(
                CircuitClosed(
                    service=self._service, instance=self._instance, since=self._told.since, at=datetime.now(UTC)
                )
            )
            self._told = None
        if outage is not None:
            await self._publisher.publish(
                CircuitOpened(service=self._service, instance=self._instance, reason=outage.reason, since=outage.since)
            )
            self._told = outage
