"""A private RabbitMQ node lives exactly as long as the process that asked for it."""

import asyncio
import os
import pwd
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aio_pika
import psutil
import pytest

from postroom.devkit.broker_node import BrokerNode, NotOurBroker, ServerNotStarted, find_broker
from postroom.devkit.broker_node.installation import find_installation
from postroom.devkit.broker_node.locking import locked_folder
from postroom.devkit.broker_node.readiness import accepts_connections, host_and_port
from postroom.testing import eventually
from postroom.wire.errors import ConfigurationError
from tests.support.broker_files import are_written_down
from tests.support.http import http_client
from tests.support.missing import missing, setup_system
from tests.support.node_owner import (
    listener_on,
    nothing_is_left_of,
    owner_process,
    processes_in,
    python_for,
    running_owner,
)
from tests.support.patience import BROKER_STARTS, PROCESS_ENDS, PROCESS_STARTS, seconds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a node's temporary folder is made. RabbitMQ and the shell scripts around it meet a space in the path."""
    made = tmp_path / "a path with space"
    made.mkdir()
    return made


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Such a folder that other users may pass through; pytest's own are closed to them."""
    made = Path(tempfile.mkdtemp(prefix="a test's ", dir="/tmp"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def server_on_this_machine() -> None:
    """Tests that start a node from a process of its own need an installed server."""
    if find_installation(os.environ) is None:
        missing("rabbitmq-server is not installed", setup_system("rabbitmq-server"))


async def test_a_node_answers_with_its_plugins(own_broker: BrokerNode) -> None:
    async with http_client(auth=("guest", "guest"), base_url=own_broker.management_url) as management:

        async def figures() -> dict[str, Any]:
            (node,) = (await management.get("/api/nodes")).json()
            return dict(node) if "enabled_plugins" in node else {}

        node = await eventually(figures)

    assert own_broker.version.startswith(("3.", "4."))
    assert set(node["enabled_plugins"]) >= {
        "rabbitmq_management",
        "rabbitmq_shovel",
        "rabbitmq_shovel_management",
        "rabbitmq_prometheus",
    }
    assert not node["mem_alarm"]
    assert not node["disk_free_alarm"]


async def test_a_node_listens_on_loopback_only(own_broker: BrokerNode) -> None:
    _, port = host_and_port(own_broker.amqp_url)
    listening = [found for found in psutil.net_connections("tcp") if found.status == psutil.CONN_LISTEN]
    (owner,) = {found.pid for found in listening if found.laddr.port == port}

    addresses = {found.laddr.ip for found in listening if found.pid == owner}
    assert addresses == {"127.0.0.1"}


async def test_a_killed_node_starts_again_with_its_messages(own_broker: BrokerNode) -> None:
    connection = await aio_pika.connect(own_broker.amqp_url)
    channel = await connection.channel()
    await channel.declare_queue("letters", durable=True, arguments={"x-queue-type": "quorum"})
    await are_written_down(own_broker, "letters")
    letter = aio_pika.Message(b"{}", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
    await channel.default_exchange.publish(letter, "letters")

    await asyncio.to_thread(own_broker.kill)

    assert not accepts_connections(*host_and_port(own_broker.amqp_url))
    await asyncio.to_thread(own_broker.start)
    async with await aio_pika.connect(own_broker.amqp_url) as after:
        queue = await (await after.channel()).get_queue("letters")
        received = await eventually(lambda: queue.get(fail=False))
        assert received is not None
        assert received.body == b"{}"
        await received.ack()


async def test_a_broker_that_is_shared_is_not_killed(broker: BrokerNode) -> None:
    with pytest.raises(NotOurBroker):
        broker.kill()

    assert accepts_connections(*host_and_port(broker.amqp_url))


@pytest.mark.usefixtures("server_on_this_machine")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_the_node_is_gone_when_its_owner_ends(how: signal.Signals, folder: Path) -> None:
    with running_owner(folder) as (owner, node):
        assert accepts_connections(*host_and_port(node["amqp_url"]))

        owner.send_signal(how)
        assert await asyncio.to_thread(owner.wait, seconds(PROCESS_ENDS)) == (
            0 if how != signal.SIGKILL else -signal.SIGKILL
        )

    await nothing_is_left_of(node, folder)


@pytest.mark.usefixtures("server_on_this_machine")
async def test_ctrl_c_while_the_node_starts_leaves_nothing(folder: Path) -> None:
    with owner_process(folder) as owner:
        (node_folder,) = await eventually(lambda: list(folder.glob("postroom-broker-*")), PROCESS_STARTS)
        identity = node_folder / "node.json"
        await eventually(lambda: (node_folder / "log" / "start.log").exists() and identity.exists(), BROKER_STARTS)

        owner.send_signal(signal.SIGINT)
        await asyncio.to_thread(owner.wait, seconds(PROCESS_ENDS))

    await eventually(lambda: list(folder.iterdir()) == [], PROCESS_ENDS)
    assert processes_in(folder) == []


@pytest.mark.usefixtures("server_on_this_machine")
async def test_a_killed_owner_takes_the_node_along_although_its_child_lives_on(folder: Path) -> None:
    program = (
        "import os, time\n"
        "from postroom.devkit.broker_node import find_broker\n"
        "with find_broker() as node:\n"
        "    child = os.fork()\n"  # holds everything open that the owner had
        "    child or time.sleep(3600)\n"
        '    print(\'{"amqp_url": "%s", "child": %d}\' % (node.amqp_url, child), flush=True)\n'
        "    time.sleep(3600)\n"
    )
    with running_owner(folder, "-c", program) as (owner, node):
        owner.kill()
        owner.wait()
        try:
            await nothing_is_left_of(node, folder)
        finally:
            os.kill(int(node["child"]), signal.SIGKILL)


@pytest.mark.usefixtures("server_on_this_machine")
async def test_an_ordinary_user_without_a_home_runs_a_node(open_folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root runs a node as another user: run the tests as root")
    nobody = pwd.getpwnam("nobody")
    os.chown(open_folder, nobody.pw_uid, nobody.pw_gid)

    with running_owner(open_folder, python=python_for("nobody"), user="nobody", remove=("HOME",)) as (owner, node):
        assert psutil.Process(listener_on(node)).username() == "nobody"
        owner.kill()
        owner.wait()

    await nothing_is_left_of(node, open_folder)


@pytest.mark.usefixtures("server_on_this_machine")
async def test_a_persistent_node_keeps_queue_message_and_address_also_when_its_folder_is_moved(folder: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "POSTROOM_AMQP_URL"}
    with find_broker(environment, data_dir=folder / "before", persistent=True) as first:
        async with await aio_pika.connect(first.amqp_url) as connection:
            channel = await connection.channel()
            await channel.declare_queue("letters", durable=True, arguments={"x-queue-type": "quorum"})
            letter = aio_pika.Message(b"{}", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await channel.default_exchange.publish(letter, "letters")

    (folder / "before").rename(folder / "after")

    with find_broker(environment, data_dir=folder / "after", persistent=True) as second:
        async with await aio_pika.connect(second.amqp_url) as connection:
            queue = await (await connection.channel()).get_queue("letters")
            assert await eventually(lambda: queue.get(fail=False))
    assert second.amqp_url == first.amqp_url


def test_two_nodes_do_not_share_a_folder(tmp_path: Path) -> None:
    with (
        locked_folder(tmp_path, "a RabbitMQ node"),
        pytest.raises(ConfigurationError, match=r"another process uses .*POSTROOM_DATA_DIR"),
        locked_folder(tmp_path, "a RabbitMQ node", wait_seconds=0),
    ):
        pass


def test_a_given_broker_that_is_away_is_named_without_its_password() -> None:
    with socket.socket() as taken:  # so that nobody else listens on it, and neither do we
        taken.bind(("127.0.0.1", 0))
        assert_is_named_as_away(taken.getsockname()[1])


def assert_is_named_as_away(port: int) -> None:
    given = {"POSTROOM_AMQP_URL": f"amqp://me:canary@127.0.0.1:{port}/"}

    with (
        pytest.raises(ServerNotStarted, match=rf"127\.0\.0\.1:{port}.*POSTROOM_AMQP_URL") as failed,
        find_broker(given),
    ):
        pass

    assert "canary" not in str(failed.value)


async def test_a_given_broker_is_used_and_left_alone(broker: BrokerNode) -> None:
    given = {"POSTROOM_AMQP_URL": broker.amqp_url, "POSTROOM_MANAGEMENT_URL": broker.management_url}

    with find_broker(given) as node:
        assert (node.source, node.version) == ("POSTROOM_AMQP_URL", broker.version)

    assert accepts_connections(*host_and_port(broker.amqp_url))


async def test_a_killed_test_run_leaves_no_server_behind(open_folder: Path, tmp_path: Path, broker: BrokerNode) -> None:
    del broker  # where there is none, this one is skipped as well
    asking = tmp_path / "test_asking.py"
    asking.write_text(
        "import time\n"
        "def test_that_hangs(broker, postgres_url):\n"
        '    print(\'{"amqp_url": "%s"}\' % broker.amqp_url, flush=True)\n'
        "    time.sleep(3600)\n"
    )
    arguments = ("-m", "pytest", "-s", "-p", "no:cacheprovider", "-p", "tests.conftest", str(asking))

    with running_owner(open_folder, *arguments) as (run, node):
        run.kill()
        run.wait()

    await nothing_is_left_of(node, open_folder)
