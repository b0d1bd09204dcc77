"""The difference between a broker and the topology. Changes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from postroom import wire
from postroom.broker.management import BindingInfo, ExchangeInfo, Management, PolicyInfo, QueueInfo
from postroom.broker.topology.ladder import delay_ladder
from postroom.broker.topology.model import Topology
from postroom.broker.topology.parts import POLICY_PRIORITY, Binding, Exchange, Policy, Queue
from postroom.broker.topology.roles import POLICY_PREFIX
from postroom.installation import belongs_here


@dataclass(frozen=True, slots=True)
class BrokerState:
    """What a virtual host has.

    Attributes:
        retired: queues that a topology of ours made for a service that does not belong to this installation.
    """

    version: str
    exchanges: Mapping[str, ExchangeInfo]
    queues: Mapping[str, QueueInfo]
    bindings: tuple[BindingInfo, ...]
    policies: Mapping[str, PolicyInfo]
    operator_policies: tuple[PolicyInfo, ...]
    retired: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something that exists in another shape than wanted and can only be deleted and made anew."""

    kind: str
    name: str
    found: str
    wanted: str
    way_out: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name} is {self.found}, wanted is {self.wanted}: {self.way_out}"


@dataclass(frozen=True, slots=True)
class Difference:
    """What has to be written, what cannot be, and what is there besides.

    Attributes:
        bindings: missing ones, without those whose ends are in conflict.
        stale_bindings: from our exchanges to our queues and exchanges, no longer wanted.
        stale_policies: ours, for queues that neither are wanted nor exist.
        undeclared: queues that nobody in this installation declares.
        retired: queues of services that do not belong to this installation, and that no other service reads.
    """

    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]
    bindings: tuple[Binding, ...]
    policies: tuple[PolicyInfo, ...]
    conflicts: tuple[Conflict, ...]
    stale_bindings: tuple[BindingInfo, ...]
    stale_policies: tuple[PolicyInfo, ...]
    undeclared: tuple[QueueInfo, ...]
    retired: tuple[QueueInfo, ...]


def read_broker_state(management: Management) -> BrokerState:
    """Ask the broker what its virtual host has."""
    queues = {queue.name: queue for queue in management.queues()}
    policies = {policy.name: policy for policy in management.policies()}
    return BrokerState(
        version=management.version(),
        exchanges={exchange.name: exchange for exchange in management.exchanges()},
        queues=queues,
        bindings=tuple(management.bindings()),
        policies=policies,
        operator_policies=tuple(management.operator_policies()),
        retired=frozenset(name for name in queues if POLICY_PREFIX + name in policies and _is_retired(name)),
    )


def _is_retired(queue: str) -> bool:
    of_all_services = {wire.UNROUTED_QUEUE, *(each.name for each in delay_ladder().queues)}
    return queue not in of_all_services and not belongs_here(queue)


def compare(topology: Topology, found: BrokerState) -> Difference:
    """The difference. Parts keep the topology's order: targets before what leads to them."""
    conflicts = (*_exchange_conflicts(topology, found), *_queue_conflicts(topology, found))
    unusable = {(conflict.kind, conflict.name) for conflict in conflicts}
    present = {as_binding(binding) for binding in found.bindings if not binding.arguments}
    policies = (wanted_policy(policy, found.version) for policy in topology.policies)
    return Difference(
        exchanges=tuple(exchange for exchange in topology.exchanges if exchange.name not in found.exchanges),
        queues=tuple(queue for queue in topology.queues if queue.name not in found.queues),
        bindings=tuple(
            binding for binding in topology.bindings if binding not in present and unusable.isdisjoint(_ends(binding))
        ),
        policies=tuple(policy for policy in policies if found.policies.get(policy.name) != policy),
        conflicts=conflicts,
        stale_bindings=tuple(_stale_bindings(topology, found)),
        stale_policies=tuple(_stale_policies(topology, found)),
        undeclared=tuple(
            queue
            for queue in found.queues.values()
            if queue.name not in topology.queue_names() | found.retired and not queue.exclusive
        ),
        retired=tuple(found.queues[name] for name in sorted(found.retired - topology.queue_names())),
    )


def wanted_policy(policy: Policy, broker_version: str) -> PolicyInfo:
    """The policy as the broker has it when all is well."""
    return PolicyInfo(policy.name, policy.pattern, "queues", POLICY_PRIORITY, policy.definition_for(broker_version))


def as_binding(found: BindingInfo) -> Binding:
    """What the broker has, in the topology's terms."""
    return Binding(found.source, found.destination, found.key, to_exchange=found.to_exchange)


def _ends(binding: Binding) -> set[tuple[str, str]]:
    kind = "exchange" if binding.to_exchange else "queue"
    return {("exchange", binding.source), (kind, binding.destination)}


def _exchange_conflicts(topology: Topology, found: BrokerState) -> Iterator[Conflict]:
    for wanted in topology.exchanges:
        exchange = found.exchanges.get(wanted.name)
        if exchange is None:
            continue
        has = _shape(exchange.type, exchange.arguments, durable=exchange.durable)
        needs = _shape(wanted.type, wanted.arguments)
        if has != needs:
            way_out = "delete it (its bindings go with it), then `postroom topology apply` makes it anew"
            yield Conflict("exchange", wanted.name, has, needs, way_out)


def _queue_conflicts(topology: Topology, found: BrokerState) -> Iterator[Conflict]:
    for wanted in topology.queues:
        queue = found.queues.get(wanted.name)
        if queue is None:
            continue
        kind = str(wanted.arguments["x-queue-type"])
        extra = "" if not queue.auto_delete else ", deleted when unused"
        has = _shape(queue.type, _without_type(queue.arguments), durable=queue.durable) + extra
        needs = _shape(kind, _without_type(wanted.arguments))
        if has != needs:
            way_out = (
                "let its consumers empty it or move its messages to another queue, delete it, then "
                "`postroom topology apply` makes it anew"
            )
            yield Conflict("queue", wanted.name, has, needs, way_out)


def _without_type(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name != "x-queue-type"}


def _shape(kind: str, arguments: Mapping[str, Any], *, durable: bool = True) -> str:
    words = kind if durable else f"{kind}, not durable"
    settings = ", ".join(f"{name}={value}" for name, value in sorted(arguments.items()))
    return f"{words} with {settings}" if settings else words


def _stale_bindings(topology: Topology, found: BrokerState) -> Iterator[BindingInfo]:
    wanted = set(topology.bindings)
    retired = found.retired - topology.queue_names()  # a kind need not begin with the name of its service
    exchanges = {exchange.name for exchange in topology.exchanges}
    for binding in found.bindings:
        names = exchanges if binding.to_exchange else topology.queue_names()
        # What somebody binds to an exchange of their own is their business.
        is_ours = binding.source in exchanges and binding.destination in names
        is_unwanted = is_ours and (bool(binding.arguments) or as_binding(binding) not in wanted)
        if is_unwanted or (binding.destination in retired and _fills(binding)):
            yield binding


def _fills(binding: BindingInfo) -> bool:
    """Whether new messages come this way. What was accepted before still needs its way back, and to its death."""
    if binding.to_exchange:
        return False
    if binding.destination == wire.ALERTING_QUEUE:
        return binding.source in {wire.DEAD_LETTERS, wire.UNROUTED}
    return binding.source in {wire.JOBS, wire.EVENTS}


def _stale_policies(topology: Topology, found: BrokerState) -> Iterator[PolicyInfo]:
    wanted = {policy.name for policy in topology.policies}
    for policy in found.policies.values():
        queue = policy.name.removeprefix("postroom.")
        if policy.name.startswith("postroom.") and policy.name not in wanted and queue not in found.queues:
            yield policy
