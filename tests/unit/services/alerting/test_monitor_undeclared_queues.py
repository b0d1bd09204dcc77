"""Queues that nobody declared, `unrouted` and `alerting.dead`."""

import pytest

from postroom.broker.management import QueueInfo
from tests.support.queue_checks import SECOND, QueueCheckHarness, queue


def test_an_undeclared_queue_is_found_with_the_name_that_was_probably_meant() -> None:
    harness = QueueCheckHarness()
    declared = [queue("email.send"), queue("email.send.dead"), queue("sms.send")]

    assert harness.poll(0 * SECOND, *declared, queue("email.sned", 4, 0, policy=None)) == {
        "queue-undeclared email.sned"
    }
    condition = harness.lasting["queue-undeclared email.sned"]
    assert condition.text == (
        "nobody declared the queue email.sned; 4 messages wait in it, which was probably meant to be email.send"
    )
    assert "Move them to email.send" in condition.advice
    assert harness.poll(1 * SECOND, *declared) == set()


def test_queues_of_other_programs_are_let_alone() -> None:
    harness = QueueCheckHarness(ignored_queues="shop.*, legacy")
    foreign = [queue("shop.orders", policy=None), queue("legacy", policy="of-the-shop")]
    temporary = QueueInfo("amq.gen-1", "classic", False, True, False, {}, 3, 1)

    assert harness.poll(0 * SECOND, *foreign, temporary) == set()
    assert harness.poll(1 * SECOND, queue("shops", 1, policy=None)) == {"queue-undeclared shops"}


def test_an_empty_undeclared_queue_is_found_when_it_has_had_time_to_be_filled() -> None:
    harness = QueueCheckHarness()

    assert harness.poll(0 * SECOND, queue("email.sned", policy=None, is_counted=False)) == set()
    assert harness.poll(2 * SECOND, queue("email.sned", policy=None)) == set()
    assert harness.poll(6 * SECOND, queue("email.sned", policy=None)) == {"queue-undeclared email.sned"}
    assert "0 messages wait in it" in harness.lasting["queue-undeclared email.sned"].text


def test_while_the_broker_has_not_counted_all_queues_an_undeclared_one_does_not_clear() -> None:
    harness = QueueCheckHarness()

    harness.poll(0 * SECOND, queue("email.sned", 4, 0, policy=None))
    uncounted = queue("email.sned", 0, 0, policy=None, is_counted=False)
    assert harness.poll(1 * SECOND, uncounted) == {"queue-undeclared email.sned"}
    assert harness.poll(60 * SECOND, queue("email.send")) == set()


def test_unrouted_jobs_are_a_condition_until_none_is_left() -> None:
    harness = QueueCheckHarness()

    assert harness.poll(0 * SECOND, queue("unrouted", 1, 0)) == {"unrouted-not-empty"}
    assert harness.lasting["unrouted-not-empty"].text.startswith("1 job that no queue takes")
    assert harness.poll(1 * SECOND, queue("unrouted", 0, 0)) == set()


def test_dead_letters_of_alerting_are_a_condition_until_they_were_moved_back() -> None:
    harness = QueueCheckHarness()

    assert harness.poll(0 * SECOND, queue("alerting.dead", 2, 0)) == {"alerting-dead-not-empty"}
    assert harness.lasting["alerting-dead-not-empty"].text.startswith("2 dead letters of other queues")
    assert harness.poll(1 * SECOND, queue("email.send.dead", 2, 0), queue("alerting.dead", 0, 0)) == set()


@pytest.mark.parametrize("without", [(), (queue("unrouted", 1, 0, policy="of-the-shop"),)])
def test_without_its_queue_there_are_no_unrouted_jobs(without: tuple[QueueInfo, ...]) -> None:
    harness = QueueCheckHarness()
    harness.poll(0 * SECOND, queue("unrouted", 1, 0))

    uncounted = queue("unrouted", 0, 0, policy=None, is_counted=False)
    assert harness.poll(1 * SECOND, uncounted) == {"unrouted-not-empty"}
    assert "unrouted-not-empty" not in harness.poll(2 * SECOND, *without)
