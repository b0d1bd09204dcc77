"""A broker to work with, our own or one that was given."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from postroom.devkit.broker_node.errors import NotOurBroker


class NodeControl(Protocol):
    """What can be done to a node of our own. All three return when it is done."""

    def start(self) -> None:
        """Start it again on the same ports and data; returns when it answers. Raises ServerNotStarted."""

    def stop(self) -> None:
        """Stop it in good order and keep its data."""

    def kill(self) -> None:
        """SIGKILL its Erlang VM, as a crash would."""


class ForeignNodeControl:
    """For a broker that was given to us: it is never started, stopped or killed. Every method raises NotOurBroker."""

    def __init__(self, whose: str) -> None:
        self._refusal = f"this broker is not ours to start, stop or kill: {whose}"

    def start(self) -> None:
        """Raises NotOurBroker."""
        raise NotOurBroker(self._refusal)

    stop = kill = start


@dataclass(frozen=True)
class BrokerNode:
    """A RabbitMQ node that answers.

    `amqp_url` carries user and password; they are the management API's too, unless `management_url` names others.
    `source` says in words where the node comes from. `log` is the node's own log file, where we can know it.
    """

    amqp_url: str = field(repr=False)  # both may carry a password
    management_url: str = field(repr=False)
    version: str
    source: str
    log: Path | None = None
    control: NodeControl = field(default_factory=lambda: ForeignNodeControl("it was given"), repr=False, compare=False)

    @property
    def is_ours(self) -> bool:
        """Whether it was started for us, and nobody else's work is on it."""
        return not isinstance(self.control, ForeignNodeControl)

    def start(self) -> None:
        """Start it again after `stop` or `kill`, on the same ports and data. Returns when it answers."""
        self.control.start()

    def stop(self) -> None:
        """Stop it in good order; queues and messages stay for the next `start`."""
        self.control.stop()

    def kill(self) -> None:
        """End it as kill -9 does; returns when the process is gone."""
        self.control.kill()
