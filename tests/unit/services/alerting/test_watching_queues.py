"""What looks at queues say, one after the other."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from postroom.broker.management import QueueInfo
from postroom_alerting.classification import IncidentSeverity
from postroom_alerting.incidents.conditions import Condition
from postroom_alerting.monitor.broker_snapshot import Look
from postroom_alerting.monitor.oldest_message import HeadCount
from postroom_alerting.monitor.queue_checks import Queues
from postroom_alerting.monitor.settings import WatchingSettings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def queue(name: str, messages: int = 0, consumers: int = 1, **changes: Any) -> QueueInfo:
    """A declared queue, read by somebody."""
    given = {"policy": f"postroom.{name}", **changes}
    return QueueInfo(name, "quorum", True, False, False, {}, messages, consumers, **given)


class Watched:
    """Looks at queues one after the other; knows what lasts."""

    def __init__(self, **settings: Any) -> None:
        self.queues = Queues(WatchingSettings(**settings))
        self.sources: dict[str, list[Condition]] = {}

    def look(self, after: timedelta, *queues: QueueInfo) -> set[str]:
        """What lasts after one look, by key."""
        seen = Look(NOON + after, "4.3.6", (), queues)
        open_sources = [source for source, conditions in self.sources.items() if conditions]
        for finding in (*self.queues.judge(seen), *self.queues.ended(seen, open_sources)):
            self.sources[finding.source] = list(finding.conditions)
        return set(self.lasting)

    def restart(self, **settings: Any) -> None:
        """Alerting begins anew, and finds in its database what lasted."""
        self.queues = Queues(WatchingSettings(**settings))

    def looks(self, queues: Iterable[tuple[timedelta, QueueInfo]]) -> set[str]:
        """What lasts after many looks at one queue."""
        seen: set[str] = set()
        for after, each in queues:
            seen = self.look(after, each)
        return seen

    @property
    def lasting(self) -> dict[str, Condition]:
        return {each.key: each for conditions in self.sources.values() for each in conditions}


def test_a_queue_is_without_consumers_after_the_grace_and_until_somebody_reads_it() -> None:
    watched = Watched()

    assert watched.look(0 * SECOND, queue("email.send", 7, consumers=0)) == set()
    assert watched.look(14 * SECOND, queue("email.send", 7, consumers=0)) == set()
    assert watched.look(15 * SECOND, queue("email.send", 7, consumers=0)) == {"queue-without-consumers email.send"}
    condition = watched.lasting["queue-without-consumers email.send"]
    assert (condition.severity, condition.since) == (IncidentSeverity.CRITICAL, NOON)
    assert condition.text == "nobody has read email.send for 15 s; 7 messages wait in it"
    assert watched.look(16 * SECOND, queue("email.send", 7)) == set()
    assert watched.look(17 * SECOND, queue("email.send", 7, consumers=0)) == set()


def test_within_its_grace_a_queue_neither_raises_nor_clears() -> None:
    watched = Watched()

    watched.look(0 * SECOND, queue("email.send", consumers=0))

    assert not any(source.startswith("queue-without-consumers") for source in watched.sources)


@pytest.mark.parametrize("name", ["email.send.dead", "unrouted", "delay.4s"])
def test_queues_that_nobody_shall_read_need_no_consumer(name: str) -> None:
    watched = Watched()

    assert watched.looks((n * MINUTE, queue(name, consumers=0)) for n in range(3)) == set()


def test_a_queue_that_the_broker_has_not_counted_says_nothing() -> None:
    watched = Watched()
    uncounted = queue("email.send", consumers=0, policy=None, is_counted=False)

    watched.looks((n * SECOND, uncounted) for n in range(0, 29, 2))

    # Of queues that are not there.
    assert watched.sources == {"unrouted-not-empty": [], "alerting-dead-not-empty": []}


def test_a_queue_that_is_gone_has_nothing_wrong_with_it() -> None:
    watched = Watched(no_consumer_seconds=0)

    assert watched.look(0 * SECOND, queue("email.send", consumers=0)) == {"queue-without-consumers email.send"}
    assert watched.look(1 * SECOND) == set()


@pytest.mark.parametrize(
    ("what", "now"),
    [
        ("is ignored", {"ignored_queues": "email.*"}),
        ("is declared no more", {"policy": None}),
        ("belongs to another policy", {"policy": "of-the-shop"}),
    ],
)
def test_a_queue_that_is_watched_no_more_has_nothing_wrong_that_a_service_could_mend(
    what: str, now: dict[str, Any]
) -> None:
    watched = Watched(no_consumer_seconds=0, queue_limits="email.send=1m")
    watched.look(0 * MINUTE, queue("email.send"))
    watched.look(1 * MINUTE, queue("email.send", 3, consumers=0))
    assert watched.look(2 * MINUTE, queue("email.send", 3, consumers=0)) == {
        "queue-without-consumers email.send",
        "queue-old email.send",
    }, what

    watched.restart(**{name: value for name, value in now.items() if name == "ignored_queues"})
    policy = now.get("policy", "postroom.email.send")
    lasting = watched.look(2 * MINUTE, queue("email.send", 3, consumers=0, policy=policy))

    assert lasting == (set() if "ignored_queues" in now else {"queue-undeclared email.send"})


def test_a_queue_that_went_while_nobody_watched_has_nothing_wrong_with_it() -> None:
    watched = Watched(no_consumer_seconds=0)
    watched.look(0 * SECOND, queue("email.send", 3, consumers=0))

    watched.restart()

    assert watched.look(1 * SECOND, queue("sms.send")) == set()


def test_what_was_wrong_with_a_queue_stays_while_the_broker_does_not_say_what_it_is_for() -> None:
    watched = Watched(no_consumer_seconds=0)
    watched.look(0 * SECOND, queue("email.send", 3, consumers=0))

    watched.restart()

    uncounted = queue("email.send", policy=None, is_counted=False)
    assert watched.look(1 * SECOND, uncounted) == {"queue-without-consumers email.send"}


def test_a_queue_that_is_watched_again_is_seen_afresh() -> None:
    watched = Watched()
    watched.look(0 * SECOND, queue("email.send", consumers=0))
    watched.look(5 * SECOND, queue("email.send", consumers=0, policy=None))

    assert watched.look(16 * SECOND, queue("email.send", consumers=0)) == set()


def test_the_oldest_message_is_as_old_as_the_counts_say() -> None:
    head = HeadCount(timedelta(0))

    assert head.count(NOON, 0, 100) is None
    for minute, messages, settled, since in [
        (1, 10, 100, 1),  # ten came
        (2, 15, 105, 1),  # ten more, five of the first ten are done
        (3, 10, 110, 2),  # all of the first ten are done
        (4, 1, 119, 2),
    ]:
        found = head.count(NOON + minute * MINUTE, messages, settled)
        assert found is not None
        assert (found.since, found.exact) == (NOON + since * MINUTE, True)
    assert head.count(NOON + 5 * MINUTE, 0, 120) is None


def test_a_broker_that_counts_anew_does_not_make_messages_younger() -> None:
    head = HeadCount(timedelta(0))

    head.count(NOON, 0, 1000)
    head.count(NOON + MINUTE, 10, 1000)
    found = head.count(NOON + 2 * MINUTE, 10, 0)  # restarted
    assert found is not None
    assert found.since == NOON + MINUTE
    head.count(NOON + 3 * MINUTE, 13, 0)  # three more came
    found = head.count(NOON + 4 * MINUTE, 3, 10)  # the ten are done
    assert found is not None
    assert (found.since, found.exact) == (NOON + 3 * MINUTE, True)


def test_of_messages_that_were_there_before_only_a_least_age_is_known() -> None:
    head = HeadCount(timedelta(0))

    found = head.count(NOON, 5, 0)
    assert found is not None
    assert not found.exact
    head.count(NOON + MINUTE, 6, 4)
    found = head.count(NOON + 2 * MINUTE, 5, 5)
    assert found is not None
    assert (found.since, found.exact) == (NOON + MINUTE, True)


def test_a_queue_is_old_when_its_oldest_message_waits_longer_than_its_limit() -> None:
    watched = Watched(queue_limits="email.*=10m, sms.send=1h")

    watched.look(0 * MINUTE, queue("email.send", 0))
    assert watched.look(1 * MINUTE, queue("email.send", 3)) == set()
    assert watched.look(10 * MINUTE, queue("email.send", 5)) == set()
    assert watched.look(11 * MINUTE, queue("email.send", 5)) == {"queue-old email.send"}
    text = watched.lasting["queue-old email.send"].text
    assert text == "the oldest of 5 messages in email.send has waited 10 min; the limit is 10 min"
    # The three of the first minute are done; the other two came nine minutes later.
    assert watched.look(12 * MINUTE, queue("email.send", 2, settled=3)) == set()


def test_what_may_be_older_than_known_is_not_said_to_be_young() -> None:
    watched = Watched(queue_limits="email.send=10m")

    watched.look(0 * MINUTE, queue("email.send", 5))
    assert "queue-old email.send" not in watched.sources  # alerting was restarted: what it said before stays
    watched.look(1 * MINUTE, queue("email.send", 5, settled=5))
    assert watched.sources["queue-old email.send"] == []


def test_a_queue_grows_when_each_third_of_the_window_is_longer_than_the_one_before() -> None:
    watched = Watched(growing_minutes=3)

    growing = [(n * 10 * SECOND, queue("email.send", 20 * n)) for n in range(19)]
    assert watched.looks(growing) == {"queue-growing email.send"}
    text = watched.lasting["queue-growing email.send"].text
    assert text == "email.send has grown by 360 to 360 messages in 3 min, with 1 reading"
    shrinking = [((190 + n * 10) * SECOND, queue("email.send", 360 - 20 * n)) for n in range(18)]
    assert watched.looks(shrinking) == set()


def test_a_burst_that_is_worked_off_is_no_growth() -> None:
    watched = Watched(growing_minutes=3)

    assert watched.looks((n * 10 * SECOND, queue("email.send", max(0, 1000 - 100 * n))) for n in range(40)) == set()


def test_a_burst_that_waits_is_no_growth() -> None:
    watched = Watched(growing_minutes=3)

    assert watched.looks((n * 10 * SECOND, queue("email.send", 1000 if n else 0)) for n in range(19)) == set()


def test_a_queue_that_grows_a_little_is_no_growth() -> None:
    watched = Watched(growing_minutes=3)

    assert watched.looks((n * 10 * SECOND, queue("email.send", n)) for n in range(40)) == set()


def test_an_undeclared_queue_is_told_with_what_was_probably_meant() -> None:
    watched = Watched()
    declared = [queue("email.send"), queue("email.send.dead"), queue("sms.send")]

    assert watched.look(0 * SECOND, *declared, queue("email.sned", 4, 0, policy=None)) == {
        "queue-undeclared email.sned"
    }
    condition = watched.lasting["queue-undeclared email.sned"]
    assert condition.text == (
        "nobody declared the queue email.sned; 4 messages wait in it, which was probably meant to be email.send"
    )
    assert "Move them to email.send" in condition.advice
    assert watched.look(1 * SECOND, *declared) == set()


def test_queues_of_other_programs_are_let_alone() -> None:
    watched = Watched(ignored_queues="shop.*, legacy")
    foreign = [queue("shop.orders", policy=None), queue("legacy", policy="of-the-shop")]
    temporary = QueueInfo("amq.gen-1", "classic", False, True, False, {}, 3, 1)

    assert watched.look(0 * SECOND, *foreign, temporary) == set()
    assert watched.look(1 * SECOND, queue("shops", 1, policy=None)) == {"queue-undeclared shops"}


def test_queues_of_services_that_do_not_run_here_can_be_ignored() -> None:
    watched = Watched(ignored_queues="maintenance.*", no_consumer_seconds=0)

    assert watched.look(0 * SECOND, queue("maintenance.clean", 3, 0), queue("email.send", 3, 0)) == {
        "queue-without-consumers email.send"
    }


def test_an_empty_undeclared_queue_is_told_when_it_has_had_time_to_be_filled() -> None:
    watched = Watched()

    assert watched.look(0 * SECOND, queue("email.sned", policy=None, is_counted=False)) == set()
    assert watched.look(2 * SECOND, queue("email.sned", policy=None)) == set()
    assert watched.look(6 * SECOND, queue("email.sned", policy=None)) == {"queue-undeclared email.sned"}
    assert "0 messages wait in it" in watched.lasting["queue-undeclared email.sned"].text


def test_while_the_broker_has_not_counted_all_queues_an_undeclared_one_does_not_clear() -> None:
    watched = Watched()

    watched.look(0 * SECOND, queue("email.sned", 4, 0, policy=None))
    uncounted = queue("email.sned", 0, 0, policy=None, is_counted=False)
    assert watched.look(1 * SECOND, uncounted) == {"queue-undeclared email.sned"}
    assert watched.look(60 * SECOND, queue("email.send")) == set()


def test_unrouted_jobs_are_told_until_none_is_left() -> None:
    watched = Watched()

    assert watched.look(0 * SECOND, queue("unrouted", 1, 0)) == {"unrouted-not-empty"}
    assert watched.lasting["unrouted-not-empty"].text.startswith("1 job that no queue takes")
    assert watched.look(1 * SECOND, queue("unrouted", 0, 0)) == set()


def test_what_alerting_itself_could_not_do_is_told_until_it_was_moved_back() -> None:
    watched = Watched()

    assert watched.look(0 * SECOND, queue("alerting.dead", 2, 0)) == {"alerting-dead-not-empty"}
    assert watched.lasting["alerting-dead-not-empty"].text.startswith("2 dead letters of other queues")
    assert watched.look(1 * SECOND, queue("email.send.dead", 2, 0), queue("alerting.dead", 0, 0)) == set()


@pytest.mark.parametrize("without", [(), (queue("unrouted", 1, 0, policy="of-the-shop"),)])
def test_without_its_queue_no_unrouted_job_is_told(without: tuple[QueueInfo, ...]) -> None:
    watched = Watched()
    watched.look(0 * SECOND, queue("unrouted", 1, 0))

    uncounted = queue("unrouted", 0, 0, policy=None, is_counted=False)
    assert watched.look(1 * SECOND, uncounted) == {"unrouted-not-empty"}
    assert "unrouted-not-empty" not in watched.look(2 * SECOND, *without)


def test_a_level_of_the_delay_ladder_is_stuck_when_none_of_its_messages_gets_away() -> None:
    watched = Watched()

    assert watched.look(0 * SECOND, queue("delay.4s", 9, 0, stranded=4)) == set()
    assert watched.look(30 * SECOND, queue("delay.4s", 9, 0, stranded=3)) == set()  # one got away
    assert watched.look(80 * SECOND, queue("delay.4s", 9, 0, stranded=3)) == set()
    assert watched.look(90 * SECOND, queue("delay.4s", 9, 0, stranded=5)) == {"queue-stuck delay.4s"}
    assert watched.look(95 * SECOND, queue("delay.4s", 4, 0)) == set()


@pytest.mark.parametrize("limits", ["email.send", "email.send=soon", "email.send=10"])
def test_a_limit_that_cannot_be_read_is_refused(limits: str) -> None:
    with pytest.raises(ValidationError, match="write pattern=10m"):
        WatchingSettings(queue_limits=limits)
