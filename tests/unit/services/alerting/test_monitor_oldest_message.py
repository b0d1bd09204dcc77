"""How long the oldest message of a queue has waited, and its limit."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from postroom.service import Conditions
from postroom_alerting.monitor.oldest_message import OldestMessageCounter
from postroom_alerting.monitor.settings import MonitorSettings
from tests.support.queue_checks import MINUTE, NOON, QueueCheckHarness, queue


def test_the_oldest_message_is_as_old_as_the_counts_say() -> None:
    counter = OldestMessageCounter(timedelta(0))

    assert counter.count(NOON, 0, 100) is None
    for minute, messages, settled, since in [
        (1, 10, 100, 1),  # ten came
        (2, 15, 105, 1),  # ten more, five of the first ten are done
        (3, 10, 110, 2),  # all of the first ten are done
        (4, 1, 119, 2),
    ]:
        found = counter.count(NOON + minute * MINUTE, messages, settled)
        assert found is not None
        assert (found.since, found.exact) == (NOON + since * MINUTE, True)
    assert counter.count(NOON + 5 * MINUTE, 0, 120) is None


def test_a_broker_that_counts_anew_does_not_make_messages_younger() -> None:
    counter = OldestMessageCounter(timedelta(0))

    counter.count(NOON, 0, 1000)
    counter.count(NOON + MINUTE, 10, 1000)
    found = counter.count(NOON + 2 * MINUTE, 10, 0)  # restarted
    assert found is not None
    assert found.since == NOON + MINUTE
    counter.count(NOON + 3 * MINUTE, 13, 0)  # three more came
    found = counter.count(NOON + 4 * MINUTE, 3, 10)  # the ten are done
    assert found is not None
    assert (found.since, found.exact) == (NOON + 3 * MINUTE, True)


def test_of_messages_that_were_there_before_only_a_least_age_is_known() -> None:
    counter = OldestMessageCounter(timedelta(0))

    found = counter.count(NOON, 5, 0)
    assert found is not None
    assert not found.exact
    counter.count(NOON + MINUTE, 6, 4)
    found = counter.count(NOON + 2 * MINUTE, 5, 5)
    assert found is not None
    assert (found.since, found.exact) == (NOON + MINUTE, True)


def test_a_queue_is_old_when_its_oldest_message_waits_longer_than_its_limit() -> None:
    harness = QueueCheckHarness(queue_limits="email.*=10m, sms.send=1h")

    harness.poll(0 * MINUTE, queue("email.send", 0))
    assert harness.poll(1 * MINUTE, queue("email.send", 3)) == set()
    assert harness.poll(10 * MINUTE, queue("email.send", 5)) == set()
    assert harness.poll(11 * MINUTE, queue("email.send", 5)) == {"queue-old email.send"}
    text = harness.lasting["queue-old email.send"].text
    assert text == "the oldest of 5 messages in email.send has waited 10 min; the limit is 10 min"
    # The three of the first minute are done; the other two came nine minutes later.
    assert harness.poll(12 * MINUTE, queue("email.send", 2, settled=3)) == set()


def test_what_may_be_older_than_known_is_not_said_to_be_young() -> None:
    harness = QueueCheckHarness(queue_limits="email.send=10m")

    harness.poll(0 * MINUTE, queue("email.send", 5))
    assert "queue-old email.send" not in harness.sources  # alerting was restarted: what it said before stays
    harness.poll(1 * MINUTE, queue("email.send", 5, settled=5))
    assert harness.sources["queue-old email.send"] == []


@pytest.mark.parametrize(
    "limits",
    ["email.send", "email.send=soon", "email.send=10", "=10m", "email.send sms.send=10m", "email.send=9999999999999w"],
)
def test_a_limit_that_cannot_be_read_is_refused(limits: str) -> None:
    with pytest.raises(ValidationError, match="write pattern=10m"):
        MonitorSettings(queue_limits=limits)


def test_a_service_declares_how_long_its_messages_may_wait_and_a_setting_overrules_it() -> None:
    declared = {"thumbnails": Conditions(oldest_message=timedelta(minutes=5))}
    limits = MonitorSettings(queue_limits="thumbnails.slow=2h").age_limits(declared)

    assert limits.of("thumbnails.make") == timedelta(minutes=5)
    assert limits.of("thumbnails.slow") == timedelta(hours=2)
    assert limits.of("email.send") == timedelta(hours=1)
