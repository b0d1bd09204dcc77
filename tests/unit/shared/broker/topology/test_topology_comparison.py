from collections.abc import Callable
from dataclasses import replace

from postroom.broker.management import BindingInfo, ExchangeInfo, QueueInfo
from postroom.broker.topology import Topology, build_topology
from postroom.broker.topology.application import describe_stale
from postroom.broker.topology.comparison import BrokerState, compare
from postroom.worker.registration import Subscription

Broker = Callable[..., BrokerState]

EMPTY = BrokerState("4.3.6", {}, {}, (), {}, ())


def test_a_broker_as_it_should_be_needs_nothing(topology: Topology, broker_with: Broker) -> None:
    for version in ("3.10.8", "4.3.6"):
        difference = compare(topology, broker_with(topology, version))

        assert not any(getattr(difference, field) for field in difference.__slots__)


def test_an_empty_broker_needs_everything_in_the_topologys_order(topology: Topology) -> None:
    difference = compare(topology, EMPTY)

    assert difference.exchanges == topology.exchanges
    assert difference.queues == topology.queues
    assert difference.bindings == topology.bindings
    assert [policy.name for policy in difference.policies] == [policy.name for policy in topology.policies]


def test_policies_are_written_again_after_an_upgrade_from_3_to_4(topology: Topology, broker_with: Broker) -> None:
    found = replace(broker_with(topology, "3.13.7"), version="4.0.0")

    rewritten = {policy.name for policy in compare(topology, found).policies}

    assert "postroom.email.send.dead" in rewritten
    assert "postroom.email.send" not in rewritten


def test_a_queue_of_another_type_is_named_with_the_way_out(topology: Topology, broker_with: Broker) -> None:
    found = broker_with(topology)
    classic = QueueInfo("email.send", "classic", True, False, False, {"x-queue-type": "classic"}, 3, 0)
    found = replace(found, queues={**found.queues, "email.send": classic}, bindings=())

    difference = compare(topology, found)

    [conflict] = difference.conflicts
    assert str(conflict) == (
        "queue email.send is classic, wanted is quorum: let its consumers empty it or move its messages to another "
        "queue, delete it, then `postroom topology apply` makes it anew"
    )
    assert "email.send" not in {binding.destination for binding in difference.bindings}
    assert "email.on.user.created" in {binding.destination for binding in difference.bindings}


def test_a_queue_with_other_arguments_is_a_conflict(topology: Topology, broker_with: Broker) -> None:
    found = broker_with(topology)
    arguments = {"x-queue-type": "quorum", "x-max-length": 5}
    limited = replace(found.queues["email.send"], arguments=arguments)
    lost = replace(found.queues["email.send.dead"], durable=False)
    found = replace(found, queues={**found.queues, "email.send": limited, "email.send.dead": lost})

    conflicts = {conflict.name: conflict.found for conflict in compare(topology, found).conflicts}

    assert conflicts == {"email.send": "quorum with x-max-length=5", "email.send.dead": "quorum, not durable"}


def test_an_exchange_without_its_alternate_is_a_conflict(topology: Topology, broker_with: Broker) -> None:
    found = broker_with(topology)
    found = replace(found, exchanges={**found.exchanges, "jobs": ExchangeInfo("jobs", "topic", True, {})})

    [conflict] = compare(topology, found).conflicts

    assert str(conflict).startswith(
        "exchange jobs is topic, wanted is topic with alternate-exchange=unrouted: delete it"
    )


def test_only_our_own_bindings_can_be_stale(topology: Topology, broker_with: Broker) -> None:
    found = broker_with(topology)
    old = BindingInfo("jobs", "email.send", False, "mail.send", {}, "mail.send")
    odd = BindingInfo("jobs", "email.send", False, "email.send", {"x": 1}, "email.send~abc")
    theirs = BindingInfo("legacy", "email.send", False, "email.send", {}, "email.send")
    elsewhere = BindingInfo("events", "their.queue", False, "#", {}, "%23")
    found = replace(found, bindings=(*found.bindings, old, odd, theirs, elsewhere))

    difference = compare(topology, found)

    assert difference.stale_bindings == (old, odd)
    assert list(describe_stale(difference)) == [
        "binding jobs → email.send (mail.send)",
        "binding jobs → email.send (email.send) with arguments {'x': 1}",
    ]


def test_the_policy_of_a_queue_that_still_exists_is_kept(topology: Topology, broker_with: Broker) -> None:
    found = broker_with(topology)
    gone = replace(found.policies["postroom.email.send"], name="postroom.fax.send")
    kept = replace(found.policies["postroom.email.send"], name="postroom.telex.send")
    telex = replace(found.queues["email.send"], name="telex.send")
    found = replace(
        found,
        policies={**found.policies, gone.name: gone, kept.name: kept},
        queues={**found.queues, "telex.send": telex},
    )

    difference = compare(topology, found)

    assert difference.stale_policies == (gone,)
    assert difference.undeclared == (telex,)


def test_what_fills_the_queue_of_a_retired_service_is_stale_and_what_empties_it_is_not(
    topology: Topology, subscriptions: list[Subscription], broker_with: Broker
) -> None:
    kept = build_topology(each for each in subscriptions if each.queue == "email.send")
    retired = frozenset({"email.on.user.created", "email.on.user.created.dead"})
    found = replace(broker_with(topology), retired=retired)

    difference = compare(kept, found)

    assert [(each.source, each.destination) for each in difference.stale_bindings] == [
        ("events", "email.on.user.created")
    ]
    assert difference.undeclared == ()


def test_dead_letters_are_kept_for_alerting_no_more_when_it_is_retired(topology: Topology, broker_with: Broker) -> None:
    found = replace(broker_with(topology), retired=frozenset({"alerting", "alerting.dead"}))

    stale = compare(build_topology([], with_alerting=False), found).stale_bindings

    assert {(each.source, each.destination) for each in stale if "alerting" in each.destination} == {
        ("dead-letters", "alerting"),
        ("unrouted", "alerting"),
    }


def test_what_a_service_reads_is_not_retired_whatever_its_queue_is_called(
    topology: Topology, broker_with: Broker
) -> None:
    found = replace(broker_with(topology), retired=frozenset({"email.send", "email.send.dead"}))

    difference = compare(topology, found)
    assert (difference.stale_bindings, difference.retired) == ((), ())
