"""Publishes that a process waits for its provider: the events `circuit.opened` and `circuit.closed`."""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from postroom.broker.publishing import Publisher
from postroom.privacy.redaction import redact
from postroom.runtime.background import raise_if_cancelled
from postroom.runtime.circuit import CircuitBreaker, Outage
from postroom.wire.messages import CircuitClosed, CircuitOpened

log = logging.getLogger(__name__)

PUBLISH_EVERY = timedelta(minutes=1)
RETRY_AFTER = timedelta(seconds=5)
"""After the broker did not take an event."""


class OutagePublisher:
    """Publishes the state of one process's circuit, apart from all work, until the broker has taken it.

    Args:
        service, instance: whose circuit it is.
        circuit: whose state is published.
        publisher: a connection of its own.
        every: how often it is published while the circuit stays open, so that a listener knows when a process is gone.
    """

    def __init__(
        self,
        service: str,
        instance: str,
        circuit: CircuitBreaker,
        publisher: Publisher,
        *,
        every: timedelta = PUBLISH_EVERY,
    ) -> None:
        self._service = service
        self._instance = instance
        self._circuit = circuit
        self._publisher = publisher
        self._every = every
        self._published: Outage | None = None

    async def keep_publishing(self) -> None:
        """Publish whenever the circuit opens or closes, until cancelled."""
        while True:
            self._circuit.changed.clear()
            wait = self._every
            try:
                await self.publish()
            except Exception as error:  # noqa: BLE001 - an event about an outage is not worth a process
                raise_if_cancelled()
                log.info("The state of the circuit is published later: %s", redact(f"{type(error).__name__}: {error}"))
                wait = RETRY_AFTER
            with suppress(TimeoutError):
                await asyncio.wait_for(self._circuit.changed.wait(), wait.total_seconds())

    async def publish(self) -> None:
        """Publish the state as it is now; nothing when the circuit is closed and that was published."""
        outage = self._circuit.outage
        if self._published is not None and (outage is None or outage.since != self._published.since):
            await self._publisher.publish(
                CircuitClosed(
                    service=self._service, instance=self._instance, since=self._published.since, at=datetime.now(UTC)
                )
            )
            self._published = None
        if outage is not None:
            await self._publisher.publish(
                CircuitOpened(service=self._service, instance=self._instance, reason=outage.reason, since=outage.since)
            )
            self._published = outage
