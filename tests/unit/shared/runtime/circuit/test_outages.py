"""What a process tells of an outage, and that it tells it again when the broker did not take it."""

import asyncio
from datetime import timedelta
from typing import Any

from postroom.runtime.circuit import CircuitBreaker
from postroom.runtime.circuit.outages import OutagePublisher
from postroom.testing import RecordingPublisher, eventually
from postroom.wire.errors import BrokerUnavailable
from postroom.wire.messages import CircuitClosed, CircuitOpened


class ForgetfulPublisher(RecordingPublisher):
    """Does not take the first event."""

    refused = 0

    async def publish(self, *arguments: Any, **options: Any) -> str:
        if not self.refused:
            self.refused += 1
            raise BrokerUnavailable("away")
        return await super().publish(*arguments, **options)


def outages(circuit: CircuitBreaker, publisher: RecordingPublisher, **options: Any) -> OutagePublisher:
    return OutagePublisher("email", "p1", circuit, publisher, **options)  # type: ignore[arg-type]


async def test_an_outage_is_told_when_it_begins_and_when_it_ends() -> None:
    circuit, publisher = CircuitBreaker("test"), RecordingPublisher()
    task = asyncio.create_task(outages(circuit, publisher).keep_publishing())

    circuit.record_outage("the server of ada@example.com is away", None, is_probe=False)
    await eventually(lambda: publisher.published)
    circuit.record_success(is_probe=True)
    await eventually(lambda: len(publisher.published) == 2)
    task.cancel()

    opened, closed = publisher.published
    assert isinstance(opened, CircuitOpened)
    assert (opened.service, opened.instance, opened.reason) == ("email", "p1", "the server of a•••@example.com is away")
    assert isinstance(closed, CircuitClosed)
    assert closed.since == opened.since


async def test_an_outage_that_lasts_is_told_again_and_again() -> None:
    circuit, publisher = CircuitBreaker("test"), RecordingPublisher()
    every = timedelta(milliseconds=10)
    task = asyncio.create_task(outages(circuit, publisher, every=every).keep_publishing())

    circuit.record_outage("away", None, is_probe=False)
    await eventually(lambda: len(publisher.published) >= 3)
    task.cancel()

    assert all(isinstance(event, CircuitOpened) for event in publisher.published)


async def test_what_the_broker_did_not_take_is_told_later(monkeypatch: Any) -> None:
    monkeypatch.setattr("postroom.runtime.circuit.outages.RETRY_AFTER", timedelta(milliseconds=10))
    circuit, publisher = CircuitBreaker("test"), ForgetfulPublisher()
    circuit.record_outage("away", None, is_probe=False)
    task = asyncio.create_task(outages(circuit, publisher).keep_publishing())

    await eventually(lambda: publisher.published)
    task.cancel()

    assert publisher.refused == 1


async def test_an_outage_that_ended_before_it_was_published_is_not_published() -> None:
    circuit, publisher = CircuitBreaker("test"), RecordingPublisher()
    circuit.record_outage("away", None, is_probe=False)
    circuit.record_success(is_probe=True)

    await outages(circuit, publisher).publish()

    assert not publisher.published
