"""The kit that people use in the tests of their own services."""

from datetime import timedelta
from typing import ClassVar

import pytest

from postroom.broker.publishing import PublishOptions
from postroom.testing import FrozenClock, RecordingPublisher, make_send_email, make_user_created, perform
from postroom.wire.errors import ConfigurationError, InvalidMessage
from postroom.wire.messages import Event, Job
from postroom.worker import Delivery, Worker


class Water(Job):
    kind: ClassVar[str] = "garden.water"
    liters: int


class Rained(Event):
    kind: ClassVar[str] = "sky.rained"


class Hose: ...


async def test_perform_does_a_job_as_the_worker_would() -> None:
    worker, got = Worker("garden"), []

    @worker.handles(Water)
    async def water(job: Water, hose: Hose, delivery: Delivery) -> None:
        got.append((job.id, job.liters, hose, delivery.attempt))

    hose = Hose()
    await perform(worker, Water(liters=3), {Hose: hose}, message_id="w-1", headers={"x-attempt": 1})

    assert got == [("w-1", 3, hose, 2)]


async def test_perform_finds_the_listener_of_an_event() -> None:
    worker, got = Worker("garden"), []

    @worker.listens(Rained)
    async def rained(event: Rained) -> None:
        got.append(event.kind)

    await perform(worker, Rained())

    assert got == ["sky.rained"]


async def test_perform_raises_what_is_wrong() -> None:
    worker = Worker("garden")

    @worker.handles(Water)
    async def water(job: Water, hose: Hose) -> None:
        raise ValueError("no water")

    with pytest.raises(ValueError, match="no water"):
        await perform(worker, Water(liters=1), {Hose: Hose()})
    with pytest.raises(ConfigurationError):
        await perform(worker, Water(liters=1))
    with pytest.raises(KeyError):
        await perform(worker, Rained())
    with pytest.raises(InvalidMessage, match="liters"):
        await perform(worker, Water.model_construct(), {Hose: Hose()})


async def test_a_recording_publisher_keeps_messages_and_how_they_would_travel() -> None:
    publisher = RecordingPublisher()

    message_id = await publisher.publish(make_send_email(to="bob@example.com"), options=PublishOptions(attempts=2))
    await publisher.publish(make_user_created(name="Bob"), message_id="u-1")

    assert [message.kind for message in publisher.published] == ["email.send", "user.created"]
    assert [outgoing.message_id for outgoing in publisher.sent] == [message_id, "u-1"]
    assert publisher.sent[0].headers == {"attempts": 2}


def test_a_frozen_clock_moves_when_told() -> None:
    clock = FrozenClock()
    before = clock()

    clock.advance(timedelta(hours=1))

    assert clock() - before == timedelta(hours=1)


def test_a_copy_of_a_message_keeps_its_id() -> None:
    job = make_send_email().identified("a")

    assert job.model_copy(update={"subject": "Other"}).message_id == "a"
