"""What the management API tells about the things in a virtual host."""

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
    """A queue as the broker has it. `messages` and `consumers` are some seconds old."""

    name: str
    type: str
    durable: bool
    auto_delete: bool
    exclusive: bool
    arguments: Mapping[str, Any]
    messages: int
    consumers: int


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
    return QueueInfo(
        name=item["name"],
        type=item.get("type") or item["arguments"].get("x-queue-type", "classic"),
        durable=item["durable"],
        auto_delete=item["auto_delete"],
        exclusive=item.get("exclusive", False),
        arguments=item["arguments"],
        messages=item.get("messages", 0),
        consumers=item.get("consumers", 0),
    )


def policy_info(item: Mapping[str, Any]) -> PolicyInfo:
    """One item of the API's list of policies."""
    return PolicyInfo(item["name"], item["pattern"], item["apply-to"], item["priority"], item["definition"])
