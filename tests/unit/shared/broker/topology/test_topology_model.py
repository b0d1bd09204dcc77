import pytest

from postroom import wire
from postroom.broker.topology import Binding, Topology, build_topology
from postroom.broker.topology.model import waiting_policy
from postroom.wire.errors import ConfigurationError
from postroom.wire.messages import SendEmail
from postroom.worker import Worker
from postroom.worker.registration import Subscription


def test_each_job_and_each_listener_has_a_queue_with_a_dead_queue(topology: Topology) -> None:
    names = topology.queue_names()

    assert {"email.send", "email.send.dead", "email.on.user.created", "email.on.user.created.dead"} <= names
    assert Binding(wire.JOBS, "email.send", "email.send") in topology.bindings
    assert Binding(wire.EVENTS, "email.on.user.created", "user.created") in topology.bindings
    assert Binding(wire.DEAD_LETTERS, "email.send.dead", "email.send") in topology.bindings


def test_every_queue_has_exactly_one_policy(topology: Topology) -> None:
    assert sorted(policy.queue for policy in topology.policies) == sorted(topology.queue_names())


def test_a_dead_queue_is_bound_before_its_work_queue_can_get_anything(topology: Topology) -> None:
    order = [binding.destination for binding in topology.bindings]

    for queue in topology.work_queues():
        assert order.index(wire.dead_queue(queue.name)) < order.index(queue.name)


def test_every_work_queue_is_dead_lettered_under_its_own_name(topology: Topology) -> None:
    policies = {policy.queue: policy.definition for policy in topology.policies}

    for queue in topology.work_queues():
        key = policies[queue.name]["dead-letter-routing-key"]
        assert key in (queue.name, wire.dead_queue(queue.name))
        assert policies[queue.name]["delivery-limit"] == wire.DELIVERY_LIMIT


def test_what_alerting_cannot_do_does_not_come_back_to_it(topology: Topology) -> None:
    [policy] = [policy for policy in topology.policies if policy.queue == wire.ALERTING_QUEUE]

    assert policy.definition["dead-letter-exchange"] == ""
    assert policy.definition["dead-letter-routing-key"] == "alerting.dead"


def test_two_services_that_do_the_same_job_are_named(subscriptions: list[Subscription]) -> None:
    other = Worker("newsletter")

    @other.handles(SendEmail)
    async def send_too(job: SendEmail) -> None: ...

    with pytest.raises(ConfigurationError, match=r"email\.send is read by services email and newsletter"):
        build_topology([*subscriptions, *other.subscriptions.values()])


@pytest.mark.parametrize(
    ("version", "limit"), [("3.10.8", None), ("3.13.7", None), ("4.0.0-beta.1", -1), ("4.3.6", -1), ("10.1", -1)]
)
def test_only_brokers_that_have_a_limit_of_their_own_are_told_to_have_none(version: str, limit: int | None) -> None:
    assert waiting_policy("email.send.dead").definition_for(version).get("delivery-limit") == limit


def test_a_policy_matches_its_own_queue_only() -> None:
    assert waiting_policy("email.send").pattern == r"^email\.send$"
