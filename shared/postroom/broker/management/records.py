"""What the management API says about the things in a virtual host."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ExchangeInfo:
    """An exchange as the broker has it."""

    name: str
    type: str
    durable: bool
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class QueueInfo:
    """A queue as the broker has it. Its figures are some seconds old.

    Attributes:
        messages: ready ones and those in work.
        policy: the one that applies.
        is_counted: whether the broker has counted the queue since it started or was made; if not, the figures are 0.
        in_work: delivered and not acknowledged.
        settled: taken out by consumers, since the broker began to count.
        stranded: expired or buried by the broker, which finds no way to where they should go.
    """

    name: str
    type: str
    durable: bool
    auto_delete: bool
    exclusive: bool
    arguments: Mapping[str, Any]
    messages: int
    consumers: int
    policy: str | None = None
    is_counted: bool = True
    in_work: int = 0
    settled: int = 0
    stranded: int = 0


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """A node of the broker's cluster.

    Attributes:
        alarms: resources it has too little of: `memory`, `disk`. Publishers are stopped meanwhile.
        partitioned_from: nodes it has no connection to.
    """

    name: str
    is_running: bool
    alarms: tuple[str, ...] = ()
    partitioned_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BindingInfo:
    """A binding as the broker has it; `properties_key` is its name in the API."""

    source: str
    destination: str
    to_exchange: bool
    key: str
    arguments: Mapping[str, Any]
    properties_key: str


@dataclass(frozen=True, slots=True)
class PolicyInfo:
    """A policy as the broker has it. The one with the highest priority that matches a queue is its policy."""

    name: str
    pattern: str
    apply_to: str
    priority: int
    definition: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UserInfo:
    """A user of the broker: its password as the broker keeps it, and its tags for the management API."""

    name: str
    tags: tuple[str, ...]
    password_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PermissionInfo:
    """What a user may do in the virtual host: three patterns of names of exchanges and queues."""

    user: str
    configure: str
    write: str
    read: str


@dataclass(frozen=True, slots=True)
class TopicPermissionInfo:
    """With which routing keys a user may publish to a topic exchange (`write`) and bind to it (`read`)."""

    user: str
    exchange: str
    write: str
    read: str


def queue_info(item: Mapping[str, Any]) -> QueueInfo:
    """One item of the API's list of queues."""
    # The figures are absent until the broker has counted a new queue for the first time.
    counts = item.get("message_stats") or {}
    return QueueInfo(
        name=item["name"],
        type=item.get("type") or item["arguments"].get("x-queue-type", "classic"),
        durable=item["durable"],
        auto_delete=item["auto_delete"],
        exclusive=item.get("exclusive", False),
        arguments=item["arguments"],
        messages=item.get("messages", 0),
        consumers=item.get("consumers", 0),
        policy=item.get("policy") or None,
        is_counted="messages" in item and "consumers" in item,
        in_work=item.get("messages_unacknowledged", 0),
        settled=sum(counts.get(name, 0) for name in ("ack", "deliver_no_ack", "get_no_ack")),
        stranded=item.get("messages_dlx", 0),
    )


def node_info(item: Mapping[str, Any]) -> NodeInfo:
    """One item of the API's list of nodes."""
    # The alarms are absent until the node has reported for the first time, and while it is down.
    alarms = {"memory": item.get("mem_alarm"), "disk": item.get("disk_free_alarm")}
    return NodeInfo(
        name=item["name"],
        is_running=item.get("running", True),
        alarms=tuple(name for name, is_on in alarms.items() if is_on is True),
        partitioned_from=tuple(item.get("partitions") or ()),
    )


def policy_info(item: Mapping[str, Any]) -> PolicyInfo:
    """One item of the API's list of policies."""
    return PolicyInfo(item["name"], item["pattern"], item["apply-to"], item["priority"], item["definition"])
