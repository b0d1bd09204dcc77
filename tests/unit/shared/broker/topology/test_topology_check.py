from collections.abc import Callable
from dataclasses import replace

import pytest

from postroom.broker.management import PolicyInfo
from postroom.broker.topology import Topology, build_topology
from postroom.broker.topology.check import Problem, ProblemSeverity, blocks, find_problems
from postroom.broker.topology.comparison import BrokerState

Broker = Callable[..., BrokerState]


def _with_policy(found: BrokerState, policy: PolicyInfo) -> BrokerState:
    return replace(found, policies={**found.policies, policy.name: policy})


def _errors(problems: list[Problem]) -> set[str]:
    return {f"{problem.subject} {problem.text}" for problem in problems if problem.severity == ProblemSeverity.ERROR}


def test_a_broker_as_it_should_be_has_no_problems(topology: Topology, broker_with: Broker) -> None:
    assert find_problems(topology, broker_with(topology)) == []


def test_a_missing_part_is_named_with_the_command_that_makes_it(topology: Topology, broker_with: Broker) -> None:
    found = broker_with(topology)
    queues = {name: queue for name, queue in found.queues.items() if name != "email.send"}
    bindings = tuple(binding for binding in found.bindings if binding.destination != "email.send.dead")

    problems = find_problems(topology, replace(found, queues=queues, bindings=bindings))

    assert _errors(problems) == {
        "queue email.send is missing: run `postroom topology apply`",
        "binding dead-letters → email.send.dead (email.send) is missing: run `postroom topology apply`",
    }


def test_a_policy_of_somebody_else_that_wins_is_named(topology: Topology, broker_with: Broker) -> None:
    rival = PolicyInfo("ha", "^email", "all", 200, {"max-length": 5})

    errors = _errors(find_problems(topology, _with_policy(broker_with(topology), rival)))

    assert (
        "policy ha with priority 200 takes the place of postroom.email.send on email.send: delete it or give it a "
        "priority below 100"
    ) in errors
    assert any(error.startswith("queue email.send has no delivery limit and no dead-letter target") for error in errors)


@pytest.mark.parametrize(
    "harmless",
    [
        PolicyInfo("catch-all", ".*", "queues", 0, {"max-length": 5}),
        PolicyInfo("for-exchanges", ".*", "exchanges", 500, {"alternate-exchange": "x"}),
        PolicyInfo("for-classic", ".*", "classic_queues", 500, {"max-length": 5}),
        PolicyInfo("elsewhere", "^sms", "all", 500, {"max-length": 5}),
    ],
)
def test_a_policy_that_does_not_win_is_no_problem(
    topology: Topology, broker_with: Broker, harmless: PolicyInfo
) -> None:
    assert find_problems(topology, _with_policy(broker_with(topology), harmless)) == []


def test_a_policy_without_a_dead_letter_key_is_refused(topology: Topology, broker_with: Broker) -> None:
    found = broker_with(topology)
    own = found.policies["postroom.email.send"]
    definition = {key: value for key, value in own.definition.items() if key != "dead-letter-routing-key"}

    errors = _errors(find_problems(topology, _with_policy(found, replace(own, definition=definition))))

    changed, unsafe = sorted(errors)
    assert changed == (
        "policy postroom.email.send is not as declared (dead-letter-routing-key is absent, not email.send): run "
        "`postroom topology apply`"
    )
    assert unsafe.startswith("queue email.send has no dead-letter target with a routing key of its own")


@pytest.mark.parametrize("limit", [None, -1, 0])
def test_a_work_queue_without_a_delivery_limit_is_refused(
    topology: Topology, broker_with: Broker, limit: int | None
) -> None:
    found = broker_with(topology)
    own = found.policies["postroom.email.send"]
    definition = {**own.definition, "delivery-limit": limit}
    if limit is None:
        del definition["delivery-limit"]

    errors = _errors(find_problems(topology, _with_policy(found, replace(own, definition=definition))))

    assert any(error.startswith("queue email.send has no delivery limit,") for error in errors)


@pytest.mark.parametrize(
    ("pattern", "definition", "severity"),
    [
        (r"\.dead$", {"message-ttl": 1000}, ProblemSeverity.ERROR),
        (r"\.dead$", {"max-length": 1_000_000}, ProblemSeverity.WARNING),
        (r"send$", {"delivery-limit": 5}, ProblemSeverity.WARNING),
    ],
)
def test_an_operator_policy_is_an_error_where_it_loses_messages(
    topology: Topology, broker_with: Broker, pattern: str, definition: dict[str, int], severity: ProblemSeverity
) -> None:
    operator_policy = PolicyInfo("quota", pattern, "queues", 0, definition)

    problems = find_problems(topology, replace(broker_with(topology), operator_policies=(operator_policy,)))

    assert {problem.severity for problem in problems} == {severity}
    assert {problem.subject for problem in problems} == {"operator policy quota"}


def test_a_queue_nobody_declared_is_a_warning(topology: Topology, broker_with: Broker) -> None:
    found = broker_with(topology)
    typo = replace(found.queues["email.send"], name="emial.send", type="classic", messages=7)

    [problem] = find_problems(topology, replace(found, queues={**found.queues, "emial.send": typo}))

    assert problem.severity == ProblemSeverity.WARNING
    assert problem.subject == "queue emial.send"
    assert "nobody declared it (classic, 7 messages)" in problem.text


@pytest.mark.parametrize(
    ("queue", "blocked"),
    [
        ("email.send", {"email.send"}),
        ("email.send.dead", {"email.send"}),
        ("delay.1s", {"email.send", "alerting", ""}),
        (None, {"email.send", "alerting", ""}),
    ],
)
def test_an_error_blocks_the_proofs_of_what_it_touches(
    topology: Topology, queue: str | None, blocked: set[str]
) -> None:
    problems = [Problem(ProblemSeverity.ERROR, "something", "is wrong", queue)]

    assert {name for name in ("email.send", "alerting", "") if blocks(problems, name, topology)} == blocked


def test_a_warning_blocks_nothing(topology: Topology) -> None:
    assert not blocks([Problem(ProblemSeverity.WARNING, "something", "is odd")], "email.send", topology)


def test_what_a_retired_queue_still_holds_is_told_and_an_empty_one_is_not(
    topology: Topology, broker_with: Broker
) -> None:
    found = broker_with(topology)
    full = replace(found.queues["email.send"], messages=3)
    retired = frozenset({"email.send", "email.on.user.created"})
    found = replace(found, queues={**found.queues, "email.send": full}, retired=retired)

    problems = find_problems(build_topology([]), found)

    [told] = [each for each in problems if each.queue in retired]
    assert (told.queue, told.severity) == ("email.send", ProblemSeverity.WARNING)
    assert told.text.startswith("3 messages of a service that is not in POSTROOM_SERVICES")
