"""A RabbitMQ node of our own, from an installation on this machine: own data, own ports, loopback only."""

import json
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

from postroom.devkit.broker_node.configuration import Identity, node_environment, write_folder
from postroom.devkit.broker_node.errors import ServerNotStarted
from postroom.devkit.broker_node.guarded import GuardedServer, ServerPlan
from postroom.devkit.broker_node.installation import Installation
from postroom.devkit.broker_node.locking import locked_folder
from postroom.devkit.broker_node.node import BrokerNode
from postroom.devkit.broker_node.readiness import last_lines, wait_until_ready
from postroom.devkit.ports import free_ports, is_free

USER = PASSWORD = "guest"  # noqa: S105 - RabbitMQ lets it in from loopback only, and nothing else is listened on
TRIES = 3


def private_node(
    installation: Installation, source: str, *, keep_in: Path | None = None
) -> AbstractContextManager[BrokerNode]:
    """Run a node until the context is left, or this process ends in any way.

    Its data is in a temporary folder, removed at the end, or in `keep_in`, where the next node finds queues and
    messages again, under the same name and, where they are free, on the same ports.

    Raises ServerNotStarted with the end of the node's log, ConfigurationError when another process uses `keep_in`.
    """
    return _temporary_node(installation, source) if keep_in is None else _kept_node(installation, source, keep_in)


@contextmanager
def _temporary_node(installation: Installation, source: str) -> Iterator[BrokerNode]:
    with ExitStack() as stack:
        for remaining in reversed(range(TRIES)):
            folder = Path(tempfile.gettempdir(), f"postroom-broker-{secrets.token_hex(8)}")
            # For Ctrl-C before there is a guardian, while the folder is made too; afterwards it is removed already.
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
            control = stack.enter_context(_PrivateNodeControl(installation, folder, remove=True))
            try:
                control.start()
                break
            except ServerNotStarted:
                # Between looking for free ports and listening on them somebody else can take one.
                if not remaining or all(is_free(port) for port in control.identity.ports()):
                    raise
                control.end()
        yield control.node(source)


@contextmanager
def _kept_node(installation: Installation, source: str, folder: Path) -> Iterator[BrokerNode]:
    with (
        locked_folder(folder, "a RabbitMQ node") as lock,
        _PrivateNodeControl(installation, folder.absolute(), lock=lock) as control,
    ):
        control.start()
        yield control.node(source)


class _PrivateNodeControl(AbstractContextManager["_PrivateNodeControl"]):
    def __init__(
        self, installation: Installation, folder: Path, *, remove: bool = False, lock: int | None = None
    ) -> None:
        self._folder = folder
        self.identity = _identity(folder)
        write_folder(folder, self.identity)
        seen, made = installation.view_of(self.identity.name), installation.make_view(folder, self.identity.name)
        companion = (installation.epmd or "", "-port", str(self.identity.epmd), "-address", "127.0.0.1")
        self._server = GuardedServer(
            ServerPlan(
                command=installation.command(installation.server, folder=folder),
                environment=node_environment(seen, self.identity, installation.path),
                folder=str(folder),
                log=str(folder / "log" / "start.log"),
                # Started by us, Erlang's port mapper ends with the node; started by the node it would stay behind.
                companions=[installation.command(*companion, folder=folder)] if installation.epmd else [],
                # What is going to be removed needs no good order, which takes RabbitMQ 3.10 six seconds.
                end_signal=signal.SIGKILL if remove else signal.SIGTERM,
                remove=[*([str(folder)] if remove else []), *made],
            ),
            lock=lock,
        )
        self._amqp_url = f"amqp://{USER}:{PASSWORD}@127.0.0.1:{self.identity.amqp}/"
        self._management_url = f"http://127.0.0.1:{self.identity.management}"
        self._log = folder / "log" / f"{self.identity.name}.log"
        self._version = ""

    def __exit__(self, *_: object) -> None:
        self.end()

    def node(self, source: str) -> BrokerNode:
        return BrokerNode(
            amqp_url=self._amqp_url,
            management_url=self._management_url,
            version=self._version,
            source=source,
            log=self._log,
            control=self,
        )

    def start(self) -> None:
        self._server.start()
        self._version = wait_until_ready(
            self._amqp_url,
            self._management_url,
            is_running=self._server.is_running,
            end_of_log=lambda: "\n".join((last_lines(self._folder / "log" / "start.log"), last_lines(self._log))),
        )

    def stop(self) -> None:
        self._server.stop()

    def kill(self) -> None:
        self._server.kill()

    def end(self) -> None:
        self._server.end()


def _identity(folder: Path) -> Identity:
    """The identity this folder's data was written under, or a new one. Ports that are taken by now are replaced."""
    kept = folder / "node.json"
    ports = dict(zip(("amqp", "management", "prometheus", "distribution", "epmd"), free_ports(5), strict=True))
    known: dict[str, str | int] = json.loads(kept.read_text()) if kept.exists() else {}
    ports |= {use: port for use, port in known.items() if isinstance(port, int) and is_free(port)}
    identity = Identity(name=str(known.get("name") or f"postroom-{secrets.token_hex(6)}@localhost"), **ports)
    kept.write_text(json.dumps(asdict(identity)))
    return identity
