"""Acknowledgements are gathered, and never reach past a message that is still in work."""

import asyncio
from typing import Any

import pytest
from aiormq.exceptions import ChannelInvalidStateError
from hypothesis import given, settings
from hypothesis import strategies as st

from postroom.runtime.consuming.acknowledgement import Acknowledger


class FakeChannel:
    """Keeps what it is told, as the broker would understand it."""

    def __init__(self) -> None:
        self.is_closed = False
        self.told: list[tuple[Any, ...]] = []
        self.unacknowledged: set[int] = set()

    async def basic_ack(self, tag: int, multiple: bool = False, **_: Any) -> None:
        if self.is_closed:
            raise ChannelInvalidStateError("closed")
        self.told.append(("ack", tag, multiple))
        gone = {each for each in self.unacknowledged if each <= tag} if multiple else {tag}
        assert gone <= self.unacknowledged, "the broker closes the channel: unknown delivery tag"
        self.unacknowledged -= gone

    async def basic_nack(self, tag: int, requeue: bool = True, **_: Any) -> None:
        self.told.append(("nack", tag, requeue))
        self.unacknowledged.remove(tag)

    async def basic_reject(self, tag: int, requeue: bool = False, **_: Any) -> None:
        self.told.append(("reject", tag, requeue))
        self.unacknowledged.remove(tag)


def opened(tags: int) -> tuple[Acknowledger, FakeChannel]:
    channel = FakeChannel()
    acks = Acknowledger(channel)  # type: ignore[arg-type]
    for tag in range(1, tags + 1):
        channel.unacknowledged.add(tag)
        acks.received(tag)
    return acks, channel


async def test_what_is_finished_in_a_row_is_one_acknowledgement() -> None:
    acks, channel = opened(5)
    for tag in (2, 1, 3):
        acks.done(tag)

    await acks.flush()

    assert channel.told == [("ack", 3, True)]


async def test_what_is_finished_behind_an_unfinished_one_is_acknowledged_alone() -> None:
    acks, channel = opened(5)
    for tag in (1, 3, 5):
        acks.done(tag)

    await acks.flush()

    assert channel.told == [("ack", 1, True), ("ack", 3, False), ("ack", 5, False)]
    assert channel.unacknowledged == {2, 4}


async def test_acknowledgements_follow_by_themselves_soon() -> None:
    acks, channel = opened(3)
    for tag in (1, 2, 3):
        acks.done(tag)
    assert channel.told == []

    async with asyncio.timeout(1):
        while channel.unacknowledged:
            await asyncio.sleep(0.001)

    assert channel.told == [("ack", 3, True)]


async def test_what_is_given_back_or_rejected_is_not_acknowledged_as_well() -> None:
    acks, channel = opened(4)
    await acks.requeue(1)
    await acks.reject(3)
    acks.done(2)
    acks.done(4)

    await acks.flush()

    assert channel.told == [("nack", 1, True), ("reject", 3, False), ("ack", 4, True)]
    assert channel.unacknowledged == set()


async def test_a_delivery_ends_once_and_whatever_comes_after_that_is_not_said() -> None:
    acks, channel = opened(3)
    await acks.requeue(1)
    await acks.reject(2)
    acks.done(3)

    for tag in (1, 2, 3):
        await acks.requeue(tag)
        await acks.reject(tag, requeue=True)
    await acks.flush()

    assert channel.told == [("nack", 1, True), ("reject", 2, False), ("ack", 3, True)]


async def test_nothing_is_said_twice() -> None:
    acks, channel = opened(1)
    acks.done(1)
    await acks.flush()

    await acks.flush()

    assert len(channel.told) == 1


async def test_an_acknowledgement_that_comes_too_late_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    acks, channel = opened(1)
    acks.done(1)
    channel.is_closed = True
    caplog.set_level("INFO")

    await acks.flush()

    assert acks.is_gone
    assert "came too late" in caplog.text


@given(st.data())
@settings(max_examples=50)
def test_whatever_the_order_only_finished_messages_are_ever_acknowledged(data: st.DataObject) -> None:
    async def run() -> None:
        count = data.draw(st.integers(1, 30))
        acks, channel = opened(count)
        finished: set[int] = set()
        for tag in data.draw(st.permutations(range(1, count + 1))):
            finished.add(tag)
            if data.draw(st.booleans()):
                await acks.requeue(tag)
            else:
                acks.done(tag)
            if data.draw(st.booleans()):
                await acks.flush()
                assert channel.unacknowledged == set(range(1, count + 1)) - finished
        await acks.flush()
        assert channel.unacknowledged == set()

    asyncio.run(run())


class SlowChannel(FakeChannel):
    """Gives others their turn before it takes an acknowledgement."""

    async def basic_ack(self, tag: int, multiple: bool = False, **_: Any) -> None:
        await asyncio.sleep(0)
        await super().basic_ack(tag, multiple)


async def test_two_flushes_side_by_side_acknowledge_each_message_once() -> None:
    channel = SlowChannel()
    acks = Acknowledger(channel)  # type: ignore[arg-type]
    for tag in range(1, 9):
        channel.unacknowledged.add(tag)
        acks.received(tag)
    for tag in (3, 5, 7):
        acks.done(tag)

    async def finish_the_rest() -> None:
        for tag in (1, 2, 4, 6, 8):
            acks.done(tag)
        await acks.flush()

    await asyncio.gather(acks.flush(), finish_the_rest(), acks.flush())

    assert channel.unacknowledged == set()
