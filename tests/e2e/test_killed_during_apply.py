"""The broker is killed while its topology is written: applying again finishes it, and every queue works."""

import asyncio
import random
from threading import Event

import pytest

from postroom.broker.management import ManagementError
from postroom.broker.topology import build_topology
from postroom.broker.topology.application import TopologyChange, apply_topology
from postroom.broker.topology.parts import major
from postroom.devkit.broker_node import BrokerNode
from postroom.installation import subscriptions
from tests.support.crash import Place
from tests.support.patience import WORK, seconds
from tests.support.processes import postroom


async def test_a_topology_half_written_is_finished_by_applying_it_again(own_broker: BrokerNode) -> None:
    place = Place(own_broker.amqp_url, own_broker.management_url)
    topology = build_topology(subscriptions())
    before_queues = len(topology.exchanges) + len(topology.policies)
    moment = before_queues + random.randrange(len(topology.queues))  # noqa: S311 - any of them will do
    killed_after = await kill_while_applying(own_broker, place, moment)
    await asyncio.to_thread(own_broker.start)

    with place.management() as management:
        apply_topology(topology, management)
        lifeless = await place.lifeless_queues()
        if major(own_broker.version) >= 4:
            assert not lifeless, f"killed after {killed_after}"
        # RabbitMQ 3.10 may come back with the name of a queue it was declaring, and no queue behind it: it confirms
        # nothing and gives nothing. Nothing is in it, so it can be deleted, and applying makes it again.
        for queue in lifeless:
            management.delete_queue(queue)
        apply_topology(topology, management)
        assert apply_topology(topology, management).changes == ()
    assert await place.lifeless_queues() == []
    # Puts a message into each work queue, rejects it, finds it among the dead; walks the delay ladder.
    proof = await postroom("topology", "check", environment=place.environment)
    assert proof.code == 0, f"killed after {killed_after}\n{proof.output}"


async def kill_while_applying(broker: BrokerNode, place: Place, after: int) -> int:
    """Kill the broker after so many changes; how many were written in the end."""
    written: list[TopologyChange] = []
    reached = Event()

    def note(change: TopologyChange) -> None:
        written.append(change)
        if len(written) >= after:
            reached.set()

    def apply_until_killed() -> None:
        topology = build_topology(subscriptions())
        with place.management() as management, pytest.raises(ManagementError):
            apply_topology(topology, management, on_change=note)

    applying = asyncio.create_task(asyncio.to_thread(apply_until_killed))
    await asyncio.to_thread(reached.wait, seconds(WORK))
    await asyncio.to_thread(broker.kill)
    await applying
    return len(written)
