"""A second node beside a private one, in one cluster with it."""

import json
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from postroom.devkit.broker_node import BrokerNode
from postroom.devkit.broker_node.configuration import Identity, node_environment, write_folder
from postroom.devkit.broker_node.guarded import GuardedServer, ServerPlan
from postroom.devkit.broker_node.installation import Installation
from postroom.devkit.broker_node.private import PASSWORD, USER
from postroom.devkit.broker_node.readiness import last_lines, wait_until_ready
from postroom.devkit.ports import free_ports
from tests.support.patience import BROKER_STARTS, seconds


@dataclass
class SecondNode:
    """A node that joined the first one's cluster."""

    name: str
    installation: Installation
    folder: Path
    environment: Mapping[str, str]
    server: GuardedServer
    amqp_url: str
    management_url: str
    log: Path

    def start(self) -> None:
        """Start it, for the first time or again; returns when it answers."""
        self.server.start()
        wait_until_ready(
            self.amqp_url,
            self.management_url,
            is_running=self.server.is_running,
            end_of_log=lambda: last_lines(self.log),
        )

    def kill(self) -> None:
        """End it as kill -9 does."""
        self.server.kill()

    def lose_sight_of(self, node: str) -> None:
        """Lose the connection to another node for a moment, as over a network that failed."""
        control = [str(Path(self.installation.server).with_name("rabbitmqctl")), "eval"]
        command = self.installation.command(*control, f"erlang:disconnect_node('{node}').", folder=self.folder)
        subprocess.run(command, env=self.environment, check=True, capture_output=True, timeout=seconds(BROKER_STARTS))


@contextmanager
def second_node(first: BrokerNode, installation: Installation, folder: Path) -> Iterator[SecondNode]:
    """A node in `folder`, in one cluster with the private node `first`, whose port mapper it uses."""
    assert first.log is not None
    home = first.log.parent.parent
    known = json.loads((home / "node.json").read_text())
    ports = dict(zip(("amqp", "management", "prometheus", "distribution"), free_ports(4), strict=True))
    identity = Identity(name=f"postroom-{secrets.token_hex(6)}@localhost", epmd=known["epmd"], **ports)
    folder.mkdir(mode=0o700)
    write_folder(folder, identity)
    cookie = folder / "home" / ".erlang.cookie"
    cookie.unlink()
    shutil.copy2(home / "home" / ".erlang.cookie", cookie)
    with (folder / "rabbitmq.conf").open("a") as configuration:
        configuration.write("cluster_formation.peer_discovery_backend = classic_config\n")
        for number, name in enumerate((known["name"], identity.name), start=1):
            configuration.write(f"cluster_formation.classic_config.nodes.{number} = {name}\n")
    seen, made = installation.view_of(identity.name), installation.make_view(folder, identity.name)
    environment = node_environment(seen, identity, installation.path)
    server = GuardedServer(
        ServerPlan(
            command=installation.command(installation.server, folder=folder),
            environment=environment,
            folder=str(folder),
            log=str(folder / "log" / "start.log"),
            companions=[],
            end_signal=signal.SIGKILL,
            remove=made,
        )
    )
    node = SecondNode(
        name=identity.name,
        installation=installation,
        folder=folder,
        environment=environment,
        server=server,
        amqp_url=f"amqp://{USER}:{PASSWORD}@127.0.0.1:{identity.amqp}/",
        management_url=f"http://127.0.0.1:{identity.management}",
        log=folder / "log" / f"{identity.name}.log",
    )
    try:
        node.start()
        yield node
    finally:
        server.end()
