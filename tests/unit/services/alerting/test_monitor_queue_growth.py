"""Queues that grow, and queues whose messages cannot move on."""

from tests.support.queue_checks import SECOND, QueueCheckHarness, queue


def test_a_queue_grows_when_each_third_of_the_window_is_longer_than_the_one_before() -> None:
    harness = QueueCheckHarness(growing_minutes=3)

    growing = [(n * 10 * SECOND, queue("email.send", 20 * n)) for n in range(19)]
    assert harness.polls(growing) == {"queue-growing email.send"}
    text = harness.lasting["queue-growing email.send"].text
    assert text == "email.send has grown by 360 to 360 messages in 3 min, with 1 reading"
    shrinking = [((190 + n * 10) * SECOND, queue("email.send", 360 - 20 * n)) for n in range(18)]
    assert harness.polls(shrinking) == set()


def test_a_burst_that_is_worked_off_is_no_growth() -> None:
    harness = QueueCheckHarness(growing_minutes=3)

    assert harness.polls((n * 10 * SECOND, queue("email.send", max(0, 1000 - 100 * n))) for n in range(40)) == set()


def test_a_burst_that_waits_is_no_growth() -> None:
    harness = QueueCheckHarness(growing_minutes=3)

    assert harness.polls((n * 10 * SECOND, queue("email.send", 1000 if n else 0)) for n in range(19)) == set()


def test_a_queue_that_grows_a_little_is_no_growth() -> None:
    harness = QueueCheckHarness(growing_minutes=3)

    assert harness.polls((n * 10 * SECOND, queue("email.send", n)) for n in range(40)) == set()


def test_a_level_of_the_delay_ladder_is_stuck_when_none_of_its_messages_gets_away() -> None:
    harness = QueueCheckHarness()

    assert harness.poll(0 * SECOND, queue("delay.4s", 9, 0, stranded=4)) == set()
    assert harness.poll(30 * SECOND, queue("delay.4s", 9, 0, stranded=3)) == set()  # one got away
    assert harness.poll(80 * SECOND, queue("delay.4s", 9, 0, stranded=3)) == set()
    assert harness.poll(90 * SECOND, queue("delay.4s", 9, 0, stranded=5)) == {"queue-stuck delay.4s"}
    assert harness.poll(95 * SECOND, queue("delay.4s", 4, 0)) == set()
