"""Brings a broker to the topology: writes the differences and nothing else.

The order is what makes it safe on a running broker: policies are written before their queues, so that no queue is
ever without its dead-letter target, and targets are bound before what leads to them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from postroom.broker.management import BindingInfo, Management
from postroom.broker.topology.comparison import (
    BrokerState,
    Conflict,
    Difference,
    as_binding,
    compare,
    read_broker_state,
)
from postroom.broker.topology.model import Topology
from postroom.broker.topology.parts import Binding


@dataclass(frozen=True, slots=True)
class TopologyChange:
    """One thing that was written: `created exchange jobs`."""

    action: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What was changed, and what an operator has to decide.

    Attributes:
        conflicts: things of another shape, left as they are.
        stale: descriptions of what is no longer wanted; empty after pruning.
    """

    broker_version: str
    changes: tuple[TopologyChange, ...]
    conflicts: tuple[Conflict, ...]
    stale: tuple[str, ...]


def apply_topology(
    topology: Topology,
    management: Management,
    *,
    prune: bool = False,
    on_change: Callable[[TopologyChange], None] = lambda _change: None,
) -> Applied:
    """Write what is missing or different. A second call changes nothing.

    Args:
        prune: also remove our own bindings and policies that are no longer wanted. Queues are never deleted.
        on_change: called after each write.

    Raises ManagementError when the broker cannot be read or refuses a write; calling again continues.
    """
    found = read_broker_state(management)
    difference = compare(topology, found)
    changes = []
    for change in _write(difference, found, management):
        changes.append(change)
        on_change(change)
    if prune:
        for change in _prune(difference, management):
            changes.append(change)
            on_change(change)
    stale = () if prune else tuple(describe_stale(difference))
    return Applied(found.version, tuple(changes), difference.conflicts, stale)


def describe_stale(difference: Difference) -> Iterator[str]:
    """What is no longer wanted, one line each."""
    for binding in difference.stale_bindings:
        yield f"binding {_binding_name(as_binding(binding))}{_with_arguments(binding)}"
    for policy in difference.stale_policies:
        yield f"policy {policy.name}"


def _write(difference: Difference, found: BrokerState, management: Management) -> Iterator[TopologyChange]:
    for exchange in difference.exchanges:
        management.create_exchange(exchange.name, exchange.type, exchange.arguments)
        yield TopologyChange("created", "exchange", exchange.name)
    for policy in difference.policies:
        management.put_policy(policy)
        yield TopologyChange("changed" if policy.name in found.policies else "created", "policy", policy.name)
    for queue in difference.queues:
        management.create_queue(queue.name, queue.arguments)
        yield TopologyChange("created", "queue", queue.name)
    for binding in difference.bindings:
        management.bind(binding.source, binding.destination, binding.key, to_exchange=binding.to_exchange)
        yield TopologyChange("created", "binding", _binding_name(binding))


def _prune(difference: Difference, management: Management) -> Iterator[TopologyChange]:
    for binding in difference.stale_bindings:
        management.unbind(binding)
        yield TopologyChange("removed", "binding", _binding_name(as_binding(binding)))
    for policy in difference.stale_policies:
        management.delete_policy(policy.name)
        yield TopologyChange("removed", "policy", policy.name)


def _binding_name(binding: Binding) -> str:
    return f"{binding.source} → {binding.destination} ({binding.key})"


def _with_arguments(binding: BindingInfo) -> str:
    return f" with arguments {dict(binding.arguments)}" if binding.arguments else ""
