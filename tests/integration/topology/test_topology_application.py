"""A broker is brought to the topology, again and again, and by an exported file."""

import json

import pytest

from postroom.broker.management import Management, PolicyInfo
from postroom.broker.topology import Topology, build_topology
from postroom.broker.topology.application import apply_topology
from postroom.broker.topology.check import find_problems
from postroom.broker.topology.comparison import read_broker_state
from postroom.broker.topology.definitions import definitions


def test_applying_twice_changes_nothing(management: Management, topology: Topology) -> None:
    first = apply_topology(topology, management)
    second = apply_topology(topology, management)

    parts = (topology.exchanges, topology.queues, topology.bindings, topology.policies)
    assert len(first.changes) == sum(len(part) for part in parts)
    assert second.changes == second.conflicts == second.stale == ()
    assert find_problems(topology, read_broker_state(management)) == []


def test_a_queue_of_another_type_is_named_and_all_else_is_applied(management: Management, topology: Topology) -> None:
    management.create_queue("email.send", {})

    applied = apply_topology(topology, management)

    [conflict] = applied.conflicts
    assert (conflict.name, conflict.found, conflict.wanted) == ("email.send", "classic", "quorum")
    assert [problem.queue for problem in find_problems(topology, read_broker_state(management))] == ["email.send"]

    management.delete_queue("email.send")

    apply_topology(topology, management)
    assert find_problems(topology, read_broker_state(management)) == []


def test_an_exchange_of_another_type_is_named_and_all_else_is_applied(
    management: Management, topology: Topology
) -> None:
    management.create_exchange("jobs", "direct", {})

    applied = apply_topology(topology, management)

    [conflict] = applied.conflicts
    assert (conflict.name, conflict.found) == ("jobs", "direct")
    assert conflict.wanted == "topic with alternate-exchange=unrouted"
    assert {queue.name for queue in management.queues()} == topology.queue_names()


def test_what_is_no_longer_wanted_goes_only_when_asked(
    management: Management, topology: Topology, applied: None
) -> None:
    management.bind("jobs", "email.send", "mail.send")
    management.bind("delay", "delay.due", "a.#", to_exchange=True)

    kept = apply_topology(topology, management)
    pruned = apply_topology(topology, management, prune=True)

    assert kept.changes == ()
    assert set(kept.stale) == {"binding jobs → email.send (mail.send)", "binding delay → delay.due (a.#)"}
    assert [change.action for change in pruned.changes] == ["removed", "removed"]
    assert find_problems(topology, read_broker_state(management)) == []


def test_a_service_that_is_named_no_more_gets_no_more_messages(
    management: Management, topology: Topology, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply_topology(topology, management)
    monkeypatch.setenv("POSTROOM_SERVICES", "sms,alerting")
    kept = build_topology([])

    before = [problem.subject for problem in find_problems(kept, read_broker_state(management))]
    apply_topology(kept, management, prune=True)

    assert "binding events → email.on.user.created (user.created)" in before
    assert find_problems(kept, read_broker_state(management)) == []
    bound = {each.source for each in management.bindings() if each.destination == "email.send"}
    assert not {"jobs", "events"} & bound
    assert "delay.due" in bound  # what waits on the ladder comes back


def test_a_policy_changed_by_hand_is_put_back(management: Management, topology: Topology, applied: None) -> None:
    own = next(policy for policy in management.policies() if policy.name == "postroom.email.send")
    management.put_policy(PolicyInfo(own.name, own.pattern, own.apply_to, 1, {"delivery-limit": 5}))

    found = find_problems(topology, read_broker_state(management))
    applied_again = apply_topology(topology, management)

    assert {problem.queue for problem in found} == {"email.send"}
    assert [(change.action, change.name) for change in applied_again.changes] == [("changed", "postroom.email.send")]
    assert find_problems(topology, read_broker_state(management)) == []


def test_an_imported_export_is_the_same_as_applying(management: Management, topology: Topology) -> None:
    document = definitions(topology, management.virtual_host, management.version())
    management.import_definitions(json.loads(json.dumps(document)))

    assert find_problems(topology, read_broker_state(management)) == []
    assert apply_topology(topology, management).changes == ()
