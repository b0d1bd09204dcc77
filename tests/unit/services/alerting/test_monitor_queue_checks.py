"""Queues without consumers, and which queues are checked at all."""

from typing import Any

import pytest

from postroom_alerting.classification import IncidentSeverity
from tests.support.queue_checks import MINUTE, NOON, SECOND, QueueCheckHarness, queue


def test_a_queue_is_without_consumers_after_the_grace_and_until_somebody_reads_it() -> None:
    harness = QueueCheckHarness()

    assert harness.poll(0 * SECOND, queue("email.send", 7, consumers=0)) == set()
    assert harness.poll(14 * SECOND, queue("email.send", 7, consumers=0)) == set()
    assert harness.poll(15 * SECOND, queue("email.send", 7, consumers=0)) == {"queue-without-consumers email.send"}
    condition = harness.lasting["queue-without-consumers email.send"]
    assert (condition.severity, condition.since) == (IncidentSeverity.CRITICAL, NOON)
    assert condition.text == "nobody has read email.send for 15 s; 7 messages wait in it"
    assert harness.poll(16 * SECOND, queue("email.send", 7)) == set()
    assert harness.poll(17 * SECOND, queue("email.send", 7, consumers=0)) == set()


def test_within_its_grace_a_queue_neither_raises_nor_clears() -> None:
    harness = QueueCheckHarness()

    harness.poll(0 * SECOND, queue("email.send", consumers=0))

    assert not any(source.startswith("queue-without-consumers") for source in harness.sources)


@pytest.mark.parametrize("name", ["email.send.dead", "unrouted", "delay.4s"])
def test_queues_that_nobody_shall_read_need_no_consumer(name: str) -> None:
    harness = QueueCheckHarness()

    assert harness.polls((n * MINUTE, queue(name, consumers=0)) for n in range(3)) == set()


def test_a_queue_that_the_broker_has_not_counted_says_nothing() -> None:
    harness = QueueCheckHarness()
    uncounted = queue("email.send", consumers=0, policy=None, is_counted=False)

    harness.polls((n * SECOND, uncounted) for n in range(0, 29, 2))

    # Of queues that are not there.
    assert harness.sources == {"unrouted-not-empty": [], "alerting-dead-not-empty": []}


def test_a_queue_that_is_gone_has_nothing_wrong_with_it() -> None:
    harness = QueueCheckHarness(no_consumer_seconds=0)

    assert harness.poll(0 * SECOND, queue("email.send", consumers=0)) == {"queue-without-consumers email.send"}
    assert harness.poll(1 * SECOND) == set()


@pytest.mark.parametrize(
    ("what", "now"),
    [
        ("is ignored", {"ignored_queues": "email.*"}),
        ("is declared no more", {"policy": None}),
        ("belongs to another policy", {"policy": "of-the-shop"}),
    ],
)
def test_a_queue_that_is_no_longer_checked_has_nothing_wrong_that_a_service_could_mend(
    what: str, now: dict[str, Any]
) -> None:
    harness = QueueCheckHarness(no_consumer_seconds=0, queue_limits="email.send=1m")
    harness.poll(0 * MINUTE, queue("email.send"))
    harness.poll(1 * MINUTE, queue("email.send", 3, consumers=0))
    assert harness.poll(2 * MINUTE, queue("email.send", 3, consumers=0)) == {
        "queue-without-consumers email.send",
        "queue-old email.send",
    }, what

    harness.restart(**{name: value for name, value in now.items() if name == "ignored_queues"})
    policy = now.get("policy", "postroom.email.send")
    lasting = harness.poll(2 * MINUTE, queue("email.send", 3, consumers=0, policy=policy))

    assert lasting == (set() if "ignored_queues" in now else {"queue-undeclared email.send"})


def test_a_queue_that_was_deleted_while_no_monitor_ran_has_nothing_wrong_with_it() -> None:
    harness = QueueCheckHarness(no_consumer_seconds=0)
    harness.poll(0 * SECOND, queue("email.send", 3, consumers=0))

    harness.restart()

    assert harness.poll(1 * SECOND, queue("sms.send")) == set()


def test_what_was_wrong_with_a_queue_stays_while_the_broker_does_not_say_what_it_is_for() -> None:
    harness = QueueCheckHarness(no_consumer_seconds=0)
    harness.poll(0 * SECOND, queue("email.send", 3, consumers=0))

    harness.restart()

    uncounted = queue("email.send", policy=None, is_counted=False)
    assert harness.poll(1 * SECOND, uncounted) == {"queue-without-consumers email.send"}


def test_a_queue_that_is_checked_again_begins_anew() -> None:
    harness = QueueCheckHarness()
    harness.poll(0 * SECOND, queue("email.send", consumers=0))
    harness.poll(5 * SECOND, queue("email.send", consumers=0, policy=None))

    assert harness.poll(16 * SECOND, queue("email.send", consumers=0)) == set()


def test_queues_of_services_that_do_not_run_here_can_be_ignored() -> None:
    harness = QueueCheckHarness(ignored_queues="maintenance.*", no_consumer_seconds=0)

    assert harness.poll(0 * SECOND, queue("maintenance.clean", 3, 0), queue("email.send", 3, 0)) == {
        "queue-without-consumers email.send"
    }
