"""What is wrong with the nodes of a cluster is seen, and clears by itself."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from postroom.devkit.broker_node import BrokerNode
from postroom.devkit.broker_node.installation import Installation, find_installation
from tests.integration.test_monitor import running_monitor
from tests.support.brokers import virtual_host_on
from tests.support.cluster import SecondNode, second_node
from tests.support.missing import missing, setup_system
from tests.support.rabbitmq4 import rabbitmq4_installation


@pytest.fixture
def second(own_broker: BrokerNode, tmp_path: Path) -> Iterator[SecondNode]:
    if (installation := installed()) is None:
        missing("no rabbitmq-server on this machine, and a container runs one node", setup_system("rabbitmq-server"))
    with second_node(own_broker, installation, tmp_path / "second") as node:
        yield node


def installed() -> Installation | None:
    return rabbitmq4_installation() if os.environ.get("POSTROOM_TEST_BROKER") == "4" else find_installation(os.environ)


def names_of(broker: BrokerNode) -> list[str]:
    """The nodes of its cluster."""
    answer = httpx.get(f"{broker.management_url}/api/nodes", auth=("guest", "guest"), trust_env=False)
    return [node["name"] for node in answer.json()]


async def test_a_node_that_is_down_is_a_condition_until_it_is_up(
    own_broker: BrokerNode, second: SecondNode, tmp_path: Path
) -> None:
    with virtual_host_on(own_broker) as vhost:
        async with running_monitor(vhost, tmp_path) as monitored:
            await asyncio.to_thread(second.kill)
            text = await monitored.sees(f"broker-node-down {second.name}")
            assert text == f"node {second.name} of the broker is down"

            await asyncio.to_thread(second.start)
            await monitored.sees_no(f"broker-node-down {second.name}")


async def test_nodes_that_lost_sight_of_each_other_are_a_condition_until_one_was_restarted(
    own_broker: BrokerNode, second: SecondNode, tmp_path: Path
) -> None:
    if not own_broker.version.startswith("3."):
        pytest.skip("does not apply to RabbitMQ 4.x: its nodes come together again by themselves, and it lists nothing")
    [first] = set(await asyncio.to_thread(names_of, own_broker)) - {second.name}
    with virtual_host_on(own_broker) as vhost:
        async with running_monitor(vhost, tmp_path) as monitored:
            await asyncio.to_thread(second.lose_sight_of, first)
            text = await monitored.sees(f"broker-partition {first}")
            assert text == f"node {first} has lost sight of {second.name}"

            await asyncio.to_thread(second.kill)
            await asyncio.to_thread(second.start)
            await monitored.sees_no(f"broker-partition {first}")
