"""Conditions found from heartbeats, from missing heartbeats, and from the broker's nodes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postroom.broker.management import ManagementRefused, ManagementUnavailable, NodeInfo
from postroom_alerting.incidents.conditions import Condition
from postroom_alerting.monitor.broker_nodes import ManagementApiCheck, check_nodes
from postroom_alerting.monitor.broker_snapshot import BrokerSnapshot
from postroom_alerting.monitor.findings import Finding
from postroom_alerting.monitor.heartbeats import CIRCUIT, SCHEDULER, Heartbeat
from postroom_alerting.monitor.process_checks import check_circuits, check_schedulers

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LONG_AGO = NOON - timedelta(days=1)


def circuit(instance: str = "a", **changes: Any) -> Heartbeat:
    given = {"is_open": True, "since": NOON - 10 * MINUTE, "reason": "refused", "received_at": NOON} | changes
    return Heartbeat(CIRCUIT, given.pop("service", "email"), instance, late_seconds=0, due=0, **given)


def scheduler(late_seconds: float = 0, received_at: datetime = NOON, instance: str = "a") -> Heartbeat:
    return Heartbeat(SCHEDULER, SCHEDULER, instance, False, received_at, "", late_seconds, 3, received_at)


def conditions(findings: Any) -> list[Condition]:
    return [condition for finding in findings for condition in finding.conditions]


def test_several_processes_with_the_same_provider_are_one_condition() -> None:
    heartbeats = [circuit("a"), circuit("b", since=NOON - 20 * MINUTE), circuit("c", is_open=False)]

    [condition] = conditions(check_circuits(heartbeats, NOON, LONG_AGO, ()))

    assert condition.key == "circuit-open email"
    assert condition.since == NOON - 20 * MINUTE
    assert condition.text == "the provider of email has been away for 20 min: refused (say 2 processes)"


def test_a_circuit_clears_when_the_last_process_has_closed_it() -> None:
    heartbeats = [circuit("a", is_open=False), circuit("b", is_open=False)]

    assert list(check_circuits(heartbeats, NOON, NOON, ())) == [Finding("circuit-open email")]


def test_a_process_without_a_heartbeat_for_two_and_a_half_minutes_is_gone() -> None:
    heartbeats = [circuit("a", received_at=NOON - 2 * MINUTE)]

    assert conditions(check_circuits(heartbeats, NOON, LONG_AGO, ()))
    assert list(check_circuits(heartbeats, NOON + MINUTE, LONG_AGO, ())) == [Finding("circuit-open email")]


def test_a_missing_heartbeat_means_nothing_while_none_could_be_received() -> None:
    heartbeats = [circuit("a", received_at=NOON - 10 * MINUTE), scheduler(received_at=NOON - 10 * MINUTE)]
    just_now = NOON - MINUTE

    assert list(check_circuits(heartbeats, NOON, just_now, ())) == []
    assert list(check_schedulers(heartbeats, NOON, just_now, MINUTE)) == []


def test_a_circuit_without_heartbeats_clears_once_one_could_have_been_received() -> None:
    lasting = {"circuit-open email", "queue-old email.send"}

    assert list(check_circuits([], NOON, NOON - 2 * MINUTE, lasting)) == []
    assert list(check_circuits([], NOON, NOON - 3 * MINUTE, lasting)) == [Finding("circuit-open email")]


def test_a_scheduler_is_late_by_the_newest_figures() -> None:
    heartbeats = [scheduler(90, NOON - MINUTE, "a"), scheduler(70, NOON, "b")]

    [condition] = conditions(check_schedulers(heartbeats, NOON, LONG_AGO, MINUTE))
    assert condition.text == "the oldest of 3 ticks has waited 70 s to be published"
    assert (
        conditions(check_schedulers([*heartbeats, scheduler(0, NOON + MINUTE)], NOON + MINUTE, LONG_AGO, MINUTE)) == []
    )


def test_a_scheduler_that_has_sent_a_heartbeat_is_missed() -> None:
    heartbeats = [scheduler(received_at=NOON - 3 * MINUTE)]

    [condition] = conditions(check_schedulers(heartbeats, NOON, LONG_AGO, MINUTE))
    assert condition.key == "scheduler-silent"
    assert conditions(check_schedulers([*heartbeats, scheduler()], NOON, LONG_AGO, MINUTE)) == []
    assert conditions(check_schedulers([], NOON, LONG_AGO, MINUTE)) == []


def test_each_node_has_its_own_conditions() -> None:
    found = check_nodes(
        BrokerSnapshot(
            NOON,
            "4.3.6",
            (
                NodeInfo("rabbit@a", True, ("disk",)),
                NodeInfo("rabbit@b", False),
                NodeInfo("rabbit@c", True, (), ("rabbit@a",)),
            ),
            (),
        )
    )

    assert [condition.key for condition in found.conditions] == [
        "broker-alarm rabbit@a disk",
        "broker-node-down rabbit@b",
        "broker-partition rabbit@c",
    ]


def test_a_management_api_that_does_not_answer_is_a_condition_after_half_a_minute() -> None:
    check = ManagementApiCheck()
    error = ManagementUnavailable("no management API at http://localhost:1")

    assert check.failed(error, NOON) is None
    assert check.failed(error, NOON + timedelta(seconds=29)) is None
    found = check.failed(error, NOON + timedelta(seconds=30))
    assert found is not None
    assert "cannot be asked: no management API at" in found.conditions[0].text
    assert check.answered() == Finding("management-unreachable")
    assert check.failed(ManagementRefused("no"), NOON + MINUTE) is None


def test_a_scheduler_that_does_not_belong_to_the_installation_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    heartbeats = [scheduler(0, NOON - timedelta(hours=1))]
    assert conditions(check_schedulers(heartbeats, NOON, LONG_AGO, MINUTE))

    monkeypatch.setenv("POSTROOM_SERVICES", "email,alerting")

    assert conditions(check_schedulers(heartbeats, NOON, LONG_AGO, MINUTE)) == []
