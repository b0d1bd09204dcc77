"""The four parts of a topology: exchanges, queues, bindings, policies."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Exchange:
    """A durable exchange. `arguments` never change once it exists."""

    name: str
    type: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable queue. `arguments` never change once it exists; `is_work` means that a service reads it."""

    name: str
    arguments: Mapping[str, Any]
    is_work: bool = False


@dataclass(frozen=True, slots=True)
class Binding:
    """Messages of exchange `source` with a matching `key` go to `destination`, a queue or an exchange."""

    source: str
    destination: str
    key: str
    to_exchange: bool = False


POLICY_PRIORITY = 100
"""Above the catch-all policies that people set, which are 0 unless they say otherwise."""


@dataclass(frozen=True, slots=True)
class Policy:
    """All that may change later about exactly one queue.

    `unlimited_deliveries` says that no number of deliveries may make the broker drop a message.
    """

    queue: str
    definition: Mapping[str, Any]
    unlimited_deliveries: bool = False

    @property
    def name(self) -> str:
        """One policy per queue, so that no two ever compete."""
        return f"postroom.{self.queue}"

    @property
    def pattern(self) -> str:
        """Matches the one queue."""
        return f"^{re.escape(self.queue)}$"

    def definition_for(self, broker_version: str) -> dict[str, Any]:
        """The definition as that broker needs it written.

        From 4.0 on a quorum queue drops a message after 20 deliveries unless its limit is -1; older brokers
        have no limit of their own and refuse -1.
        """
        if self.unlimited_deliveries and major(broker_version) >= 4:
            return {**self.definition, "delivery-limit": -1}
        return dict(self.definition)


def major(broker_version: str) -> int:
    """4 of `4.3.6`."""
    return int(broker_version.partition(".")[0])


def quorum_queue(name: str, *, is_work: bool = False, **arguments: Any) -> Queue:
    """A replicated queue whose messages are on disk before they are confirmed."""
    return Queue(name, {"x-queue-type": "quorum", **arguments}, is_work)
