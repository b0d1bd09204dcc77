"""A small topology, and brokers that are exactly as it wants them."""

from collections.abc import Callable

import pytest

from postroom.broker.management import BindingInfo, ExchangeInfo, QueueInfo
from postroom.broker.topology import Topology, build_topology
from postroom.broker.topology.comparison import BrokerState, wanted_policy
from postroom.wire.messages import SendEmail, UserCreated
from postroom.worker import Worker
from postroom.worker.registration import Subscription


@pytest.fixture
def subscriptions() -> list[Subscription]:
    worker = Worker("email")

    @worker.handles(SendEmail)
    async def send_email(job: SendEmail) -> None: ...

    @worker.listens(UserCreated)
    async def greet(event: UserCreated) -> None: ...

    return list(worker.subscriptions.values())


@pytest.fixture
def topology(subscriptions: list[Subscription]) -> Topology:
    return build_topology(subscriptions)


@pytest.fixture
def broker_with() -> Callable[..., BrokerState]:
    """Makes what the management API tells of a broker to which a topology was applied."""

    def found(topology: Topology, version: str = "4.3.6") -> BrokerState:
        policies = (wanted_policy(policy, version) for policy in topology.policies)
        return BrokerState(
            version=version,
            exchanges={e.name: ExchangeInfo(e.name, e.type, True, e.arguments) for e in topology.exchanges},
            queues={
                q.name: QueueInfo(q.name, "quorum", True, False, False, q.arguments, 0, 0) for q in topology.queues
            },
            bindings=tuple(
                BindingInfo(b.source, b.destination, b.to_exchange, b.key, {}, b.key or "~") for b in topology.bindings
            ),
            policies={policy.name: policy for policy in policies},
            operator_policies=(),
        )

    return found
