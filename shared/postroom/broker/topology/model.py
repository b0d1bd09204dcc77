"""The broker's exchanges, queues, bindings and policies as plain data, made from the registered handlers.

Only `durable` and `x-queue-type` (and the ladder's fixed waits) are queue arguments, because those can never
change without deleting the queue; all that may change later is in policies. One policy applies per queue, so
each policy is complete.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from postroom import wire
from postroom.broker.topology.ladder import delay_ladder
from postroom.broker.topology.parts import Binding, Exchange, Policy, Queue, quorum_queue
from postroom.installation import all_subscriptions
from postroom.wire.errors import ConfigurationError
from postroom.worker.registration import Subscription


@dataclass(frozen=True, slots=True)
class Topology:
    """Everything Postroom needs to exist in one virtual host. Targets stand before what leads to them."""

    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]
    bindings: tuple[Binding, ...]
    policies: tuple[Policy, ...]

    def work_queues(self) -> tuple[Queue, ...]:
        """The queues that services read."""
        return tuple(queue for queue in self.queues if queue.is_work)

    def queue_names(self) -> frozenset[str]:
        """The names of all queues."""
        return frozenset(queue.name for queue in self.queues)


@dataclass(slots=True)
class _Parts:
    exchanges: list[Exchange] = field(default_factory=list)
    queues: list[Queue] = field(default_factory=list)
    bindings: list[Binding] = field(default_factory=list)
    policies: list[Policy] = field(default_factory=list)

    def add_work_queue(self, name: str, sources: Iterable[tuple[str, str]]) -> None:
        """A queue that a service reads, its `.dead` queue, and the net between them."""
        dead = wire.dead_queue(name)
        # Alerting reads every dead letter. Its own must not come back to it, so they take the default exchange.
        net = ("", dead) if name == wire.ALERTING_QUEUE else (wire.DEAD_LETTERS, name)
        self.queues += [quorum_queue(dead), quorum_queue(name, is_work=True)]
        self.bindings += [
            Binding(wire.DEAD_LETTERS, dead, name),
            *(Binding(exchange, name, key) for exchange, key in sources),
            due_binding(name),
        ]
        self.policies += [waiting_policy(dead), work_policy(name, *net)]


def installation_topology() -> Topology:
    """What the services of this installation need. Where none of them is alerting, dead letters are not kept for it.

    Raises ConfigurationError like `build_topology` and `all_services`.
    """
    read = all_subscriptions()
    return build_topology(read, with_alerting=any(each.queue == wire.ALERTING_QUEUE for each in read))


def build_topology(read: Iterable[Subscription], *, with_alerting: bool = True) -> Topology:
    """The topology for these handlers. Raises ConfigurationError when two services do the same job."""
    readers: dict[str, Subscription] = {}
    for subscription in read:
        other = readers.setdefault(subscription.queue, subscription)
        if other is not subscription:
            raise ConfigurationError(
                f"{subscription.queue} is read by services {other.service} and {subscription.service}; "
                "exactly one service does a job"
            )
    ladder = delay_ladder()
    parts = _Parts(
        exchanges=[
            Exchange(wire.UNROUTED, "fanout"),
            Exchange(wire.JOBS, "topic", {"alternate-exchange": wire.UNROUTED}),
            Exchange(wire.EVENTS, "topic"),
            Exchange(wire.DEAD_LETTERS, "topic"),
            *ladder.exchanges,
        ],
        queues=[quorum_queue(wire.UNROUTED_QUEUE)],
        bindings=[
            Binding(wire.UNROUTED, wire.UNROUTED_QUEUE, ""),
            due_binding(wire.UNROUTED_QUEUE),  # where `topology check` lets a probe come out of the ladder
        ],
        policies=[waiting_policy(wire.UNROUTED_QUEUE)],
    )
    if with_alerting:
        parts.add_work_queue(wire.ALERTING_QUEUE, [(wire.DEAD_LETTERS, "#"), (wire.UNROUTED, "")])
    for subscription in readers.values():
        if subscription.queue != wire.ALERTING_QUEUE:
            sources = [(subscription.exchange, subscription.binding_key)] if subscription.exchange else []
            parts.add_work_queue(subscription.queue, sources)
    return Topology(
        exchanges=tuple(parts.exchanges),
        queues=(*parts.queues, *ladder.queues),
        bindings=(*parts.bindings, *ladder.bindings),
        policies=(*parts.policies, *ladder.policies),
    )


def due_binding(queue: str) -> Binding:
    """How a message comes back from the delay ladder to `queue`."""
    return Binding(wire.DELAY_DUE, queue, delay_ladder().due_key(queue))


def work_policy(queue: str, dead_letter_exchange: str, dead_letter_key: str) -> Policy:
    """What the broker does with a message it buries itself: a worker died with it, or a probe was rejected."""
    definition: dict[str, Any] = {
        "delivery-limit": wire.DELIVERY_LIMIT,
        "dead-letter-exchange": dead_letter_exchange,
        # Explicit, because a message moved in the management UI comes with another routing key and would be
        # lost at its second death.
        "dead-letter-routing-key": dead_letter_key,
        "dead-letter-strategy": "at-least-once",
        "overflow": "reject-publish",  # at-least-once needs it
    }
    return Policy(queue, definition)


def waiting_policy(queue: str) -> Policy:
    """For queues that nobody reads: looking at a message, however often, must never drop it."""
    # Should somebody limit the queue's length, the newest message is refused and stays where it is; the
    # broker's default would drop the oldest.
    return Policy(queue, {"overflow": "reject-publish"}, unlimited_deliveries=True)
