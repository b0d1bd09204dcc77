"""Whether a broker is as the topology needs it, judged by the management API.

The proof by a message that really dies is in postroom.broker.topology.proof.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from postroom import wire
from postroom.broker.management import PolicyInfo
from postroom.broker.topology.application import describe_stale
from postroom.broker.topology.comparison import BrokerState, Difference, compare, wanted_policy
from postroom.broker.topology.model import Topology
from postroom.broker.topology.parts import POLICY_PRIORITY, Policy

APPLY = "run `postroom topology apply`"
QUEUE_POLICY_SCOPES = frozenset(("all", "queues", "quorum_queues"))
DROPPING = frozenset(("delivery-limit", "expires", "message-ttl"))
"""What, set by an operator policy, makes a queue whose messages wait for a person lose them."""


class ProblemSeverity(StrEnum):
    """An error may lose or misdirect messages; a warning is something to look at."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it should be. `queue` is the one it affects; None means all of them."""

    severity: ProblemSeverity
    subject: str
    text: str
    queue: str | None = None


def find_problems(topology: Topology, found: BrokerState) -> list[Problem]:
    """All problems, errors first."""
    difference = compare(topology, found)
    problems = [
        *_missing(difference),
        *(
            Problem(
                ProblemSeverity.ERROR,
                f"{conflict.kind} {conflict.name}",
                str(conflict),
                _queue_of(conflict.kind, conflict.name),
            )
            for conflict in difference.conflicts
        ),
        *(problem for policy in topology.policies for problem in _policy_problems(policy, topology, found)),
        *_undeclared(difference),
        *_retired(difference),
        *(
            Problem(ProblemSeverity.WARNING, stale, "no longer wanted: `postroom topology apply --prune` removes it")
            for stale in describe_stale(difference)
        ),
    ]
    return sorted(problems, key=lambda problem: problem.severity != ProblemSeverity.ERROR)


def blocks(problems: list[Problem], queue: str, topology: Topology) -> bool:
    """Whether an error touches `queue`, its dead letters, or what all queues share."""
    others = {name for work in topology.work_queues() for name in (work.name, wire.dead_queue(work.name))}
    others -= {queue, wire.dead_queue(queue)}
    return any(problem.severity == ProblemSeverity.ERROR and problem.queue not in others for problem in problems)


def _queue_of(kind: str, name: str) -> str | None:
    return name if kind == "queue" else None


def _missing(difference: Difference) -> Iterator[Problem]:
    for exchange in difference.exchanges:
        yield Problem(ProblemSeverity.ERROR, f"exchange {exchange.name}", f"is missing: {APPLY}")
    for queue in difference.queues:
        yield Problem(ProblemSeverity.ERROR, f"queue {queue.name}", f"is missing: {APPLY}", queue.name)
    for binding in difference.bindings:
        subject = f"binding {binding.source} → {binding.destination} ({binding.key})"
        queue_name = None if binding.to_exchange else binding.destination
        yield Problem(ProblemSeverity.ERROR, subject, f"is missing: {APPLY}", queue_name)


def _undeclared(difference: Difference) -> Iterator[Problem]:
    for queue in difference.undeclared:
        yield Problem(
            ProblemSeverity.WARNING,
            f"queue {queue.name}",
            f"nobody declared it ({queue.type}, {queue.messages} messages): a mistyped move target, or a "
            "handler that is gone; move its messages where they belong, then delete it",
            queue.name,
        )


def _retired(difference: Difference) -> Iterator[Problem]:
    """Queues of services that POSTROOM_SERVICES does not name, with what was accepted and nobody does."""
    for queue in difference.retired:
        if queue.messages:
            yield Problem(
                ProblemSeverity.WARNING,
                f"queue {queue.name}",
                f"{queue.messages} messages of a service that is not in POSTROOM_SERVICES: start that service once "
                "more, or purge and delete the queue",
                queue.name,
            )


def _policy_problems(policy: Policy, topology: Topology, found: BrokerState) -> Iterator[Problem]:
    wanted = wanted_policy(policy, found.version)
    own = found.policies.get(wanted.name)
    if own is None:
        yield Problem(ProblemSeverity.ERROR, f"policy {wanted.name}", f"is missing: {APPLY}", policy.queue)
    elif own != wanted:
        text = f"is not as declared ({_changes(own, wanted)}): {APPLY}"
        yield Problem(ProblemSeverity.ERROR, f"policy {wanted.name}", text, policy.queue)
    rival = effective_policy(policy.queue, found, besides=wanted.name)
    if rival is not None and rival.priority >= (own.priority if own else 0):
        yield Problem(
            ProblemSeverity.ERROR,
            f"policy {rival.name}",
            f"with priority {rival.priority} takes the place of {wanted.name} on {policy.queue}: delete it or "
            f"give it a priority below {POLICY_PRIORITY}",
            policy.queue,
        )
    if any(queue.name == policy.queue for queue in topology.work_queues()):
        yield from _net_problems(policy.queue, found)
    yield from _operator_problems(policy, found)


def _net_problems(queue: str, found: BrokerState) -> Iterator[Problem]:
    """Problems of a queue's dead-letter target: without it a work queue loses messages."""
    effective = effective_policy(queue, found)
    definition = effective.definition if effective else {}
    has_limit = int(definition.get("delivery-limit", -1)) > 0
    has_target = "dead-letter-exchange" in definition and "dead-letter-routing-key" in definition
    lacking = [
        *([] if has_limit else ["no delivery limit"]),
        *([] if has_target else ["no dead-letter target with a routing key of its own"]),
    ]
    if lacking:
        text = f"has {' and '.join(lacking)}, so messages that kill their worker are lost or come for ever"
        yield Problem(ProblemSeverity.ERROR, f"queue {queue}", text, queue)


def _operator_problems(policy: Policy, found: BrokerState) -> Iterator[Problem]:
    for operator_policy in found.operator_policies:
        if not _matches(operator_policy, policy.queue):
            continue
        loses = policy.unlimited_deliveries and not DROPPING.isdisjoint(operator_policy.definition)
        text = (
            f"also rules {policy.queue} with {dict(operator_policy.definition)}"
            + (", which drops messages that wait there" if loses else "")
            + ": the broker's operator can narrow its pattern"
        )
        severity = ProblemSeverity.ERROR if loses else ProblemSeverity.WARNING
        yield Problem(severity, f"operator policy {operator_policy.name}", text, policy.queue)


def effective_policy(queue: str, found: BrokerState, besides: str = "") -> PolicyInfo | None:
    """The policy that the broker uses for `queue`, were there none named `besides`."""
    # The API's own answer to this lags some seconds behind.
    matching = [p for p in found.policies.values() if p.name != besides and _matches(p, queue)]
    return max(matching, key=lambda policy: policy.priority, default=None)


def _matches(policy: PolicyInfo, queue: str) -> bool:
    try:
        return policy.apply_to in QUEUE_POLICY_SCOPES and re.search(policy.pattern, queue) is not None
    except re.error:  # the broker's expressions know a few things that Python's do not
        return False


def _changes(own: PolicyInfo, wanted: PolicyInfo) -> str:
    keys = sorted(own.definition.keys() | wanted.definition.keys())
    absent = "absent"
    changes = [
        f"{key} is {own.definition.get(key, absent)}, not {wanted.definition.get(key, absent)}"
        for key in keys
        if own.definition.get(key) != wanted.definition.get(key)
    ]
    if (own.pattern, own.apply_to, own.priority) != (wanted.pattern, wanted.apply_to, wanted.priority):
        changes.append(f"pattern, scope or priority is {own.pattern}, {own.apply_to}, {own.priority}")
    return "; ".join(changes)
