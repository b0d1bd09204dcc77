"""The broker is killed under load, again and again: what it confirmed ends in exactly one place."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import pytest

from postroom import wire
from postroom.broker.publishing import Outgoing, Publisher
from postroom.devkit.broker_node import BrokerNode
from postroom.testing import eventually
from tests.support import crash_worker
from tests.support.crash import Place, ServiceProcess, flushed, processes
from tests.support.crash_worker import QUEUE, CountingFile
from tests.support.load import Load, make_publisher
from tests.support.patience import BROKER_STARTS, WORK, patience

COUNTING = crash_worker.__name__
KILLS = 10
PREFETCH = crash_worker.worker.subscriptions[QUEUE].options.prefetch


@pytest.fixture
def own_place(own_broker: BrokerNode) -> Iterator[Place]:
    """The test's own broker, with the counting service's topology on its disk."""
    place = Place(own_broker.amqp_url, own_broker.management_url)
    place.prepare(crash_worker.worker)
    return place


def make_message(number: int) -> Outgoing:
    """One in ten fails for good, two in ten fail twice and then work; most take a moment."""
    body = {
        0: {"is_hopeless": True},
        1: {"failures": 2, "seconds": 0.05},
        2: {"failures": 2},
    }.get(number % 10, {"seconds": number % 7 / 20})
    headers = {wire.BACKOFF_SECONDS: 1}
    return Outgoing(wire.JOBS, QUEUE, json.dumps(body).encode(), f"m-{number}", headers)


async def test_every_confirmed_message_ends_in_exactly_one_place_though_the_broker_is_killed_ten_times(
    own_broker: BrokerNode, own_place: Place, environment: dict[str, str], tmp_path: Path, counting: CountingFile
) -> None:
    applied_at = time.monotonic()
    with processes(COUNTING, {**environment, **own_place.environment}, tmp_path, 2) as workers:
        await asyncio.gather(*(worker.ready() for worker in workers))
        await flushed(applied_at)
        async with make_publisher(own_place.amqp_url) as publisher:
            load = Load(publisher, make_message, per_second=100)
            async with load.going_on():
                for _ in range(KILLS):
                    await load.confirms(100)
                    await asyncio.sleep(random.random())  # noqa: S311 - any moment will do
                    await asyncio.to_thread(own_broker.kill)
                    await asyncio.to_thread(own_broker.start)
                    await eventually(lambda: has_all_consumers(own_place))
            await eventually(lambda: is_drained(own_place, workers), within=WORK)
    dead = Counter(message.message_id for message in await own_place.take_all(wire.dead_queue(QUEUE)))

    done = counting.count("done")
    assert done.keys() | dead.keys() == load.confirmed.keys()
    assert not done.keys() & dead.keys()
    assert dead.keys() == {message_id for message_id in load.confirmed if message_id.endswith("0")}
    assert set(done.values()) == {1}
    # A dead letter whose acknowledgement the broker did not live to write is made again: the same id twice in the
    # same queue. At most what was in work when the broker was killed.
    assert dead.total() - len(dead) <= KILLS * len(workers) * PREFETCH


async def test_delays_are_kept_across_a_killed_broker(
    own_broker: BrokerNode, own_place: Place, environment: dict[str, str], tmp_path: Path, counting: CountingFile
) -> None:
    applied_at = time.monotonic()
    with processes(COUNTING, {**environment, **own_place.environment}, tmp_path, 1) as [worker]:
        await worker.ready()
        await flushed(applied_at)
        published_at = {}
        for delay in (3, 10, 24):
            published_at[delay] = time.time()
            await own_place.publish(wire.JOBS, QUEUE, b"{}", f"{delay}", headers={"delay-seconds": delay})
        await eventually(lambda: all_on_the_ladder(own_place, len(published_at)))

        killed_at = time.time()
        await asyncio.to_thread(own_broker.kill)
        await asyncio.to_thread(own_broker.start)
        await eventually(lambda: has_all_consumers(own_place, 1))
        back_at = time.time()
        waited = back_at - published_at[24]
        # Comes before one of 24 s whose time began anew with the broker, and after one that has waited on.
        await own_place.publish(
            wire.JOBS, QUEUE, b"{}", "control", headers={"delay-seconds": 24 - max(1, int(waited / 2))}
        )
        await eventually(lambda: len(counting.steps("done")) == len(published_at) + 1, within=WORK)

    assert set(counting.count("done").values()) == {1}
    done = {step.message_id: step.at for step in counting.steps("done")}
    for delay, since in published_at.items():
        assert done[f"{delay}"] >= since + delay - 0.05
    if not was_hit(24, published_at[24], killed_at, back_at):
        assert done["24"] < done["control"]


def was_hit(delay: int, since: float, killed_at: float, back_at: float) -> bool:
    """Whether the broker was away when such a message was to go on."""
    return any(killed_at - 0.5 <= since + moment <= back_at + 0.5 for moment in moments_of_the_walk(delay))


def moments_of_the_walk(delay: int) -> list[int]:
    """When a message goes from one level of the ladder to the next, in seconds after it was published.

    A level cannot let go what it holds while the broker is down, and the next one holds it for its whole time: an
    outage over one of these moments makes a message late by as much as the outage lasts, and no more.
    """
    levels = [2**bit for bit in range(20, -1, -1) if delay & 2**bit]
    return list(accumulate(levels))


async def test_a_publish_waits_for_a_broker_that_was_killed_and_leaves_no_channel_behind(
    own_broker: BrokerNode, own_place: Place
) -> None:
    applied_at = time.monotonic()
    async with Publisher(own_place.amqp_url, timeout=patience(BROKER_STARTS)) as publisher:
        await publisher.connect()
        await flushed(applied_at)

        await asyncio.to_thread(own_broker.kill)
        await eventually(lambda: not publisher.is_connected)
        restart = asyncio.create_task(asyncio.to_thread(own_broker.start))
        await asyncio.gather(*(publisher.send(make_message(number)) for number in range(20)))
        await restart

        assert await own_place.depth(QUEUE) == 20
        assert len(await eventually(own_place.channels)) == 1


async def has_all_consumers(place: Place, count: int = 2) -> bool:
    """Whether all workers read the queue."""
    try:
        return await place.consumers(QUEUE) == count
    except OSError as error:
        raise AssertionError(f"the broker does not answer: {error}") from None


async def all_on_the_ladder(place: Place, count: int) -> bool:
    """Whether so many messages wait there, and none to be put there."""
    return await place.waiting() == count


async def is_drained(place: Place, workers: list[ServiceProcess]) -> bool:
    """Whether nothing waits anywhere, nor is in work. The ladder last too: what was in work may have gone there."""
    assert await place.waiting() == 0
    assert await place.depth(QUEUE) == 0
    for each in workers:
        assert await each.in_work(QUEUE) == 0
    assert await place.waiting() == 0
    return await place.depth(QUEUE) == 0
