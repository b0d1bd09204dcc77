"""From a delivery to a failure that may be kept."""

from datetime import UTC, datetime

import pytest

from postroom import wire
from postroom_alerting.intake.dead_letters import death_of, read_failure
from tests.support.alerting import NOON, make_dead_delivery


def test_a_dead_letter_becomes_a_failure_without_addresses() -> None:
    failure = read_failure(make_dead_delivery())

    assert failure is not None
    assert (failure.queue, failure.kind, failure.message_id) == ("email.send", "email.send", "6f2c9a30")
    assert (failure.cause.error_type, failure.error) == (
        "RecipientRefused",
        "a•••@example.com: 550 5.1.1 no such user",
    )
    assert (failure.failed_at, failure.attempts, failure.replays) == (NOON, 5, 0)
    assert "ada@" not in failure.payload


def test_copies_of_a_death_are_the_same_and_the_next_death_is_another() -> None:
    first, copy = read_failure(make_dead_delivery()), read_failure(make_dead_delivery(tag=2))
    later = read_failure(make_dead_delivery(headers={wire.X_FAILED_AT: datetime(2026, 3, 2, tzinfo=UTC).isoformat()}))

    assert first == copy
    assert first is not None
    assert later is not None
    assert later.id != first.id


def test_the_inbox_distinguishes_the_deaths_of_a_replayed_message() -> None:
    first, again = (
        death_of(make_dead_delivery(headers={wire.X_FAILED_AT: moment})) for moment in ("2026-03-01", "2026-03-02")
    )

    assert first != again
    assert first == death_of(make_dead_delivery(headers={wire.X_FAILED_AT: "2026-03-01"}, tag=9, redelivered=True))


def test_the_inbox_is_not_asked_where_the_headers_do_not_name_the_death() -> None:
    by_broker = {"x-death": [{"queue": "email.send", "reason": "delivery_limit", "time": NOON}]}

    assert death_of(make_dead_delivery(message_id=None)) is None
    assert death_of(make_dead_delivery(headers=by_broker)) is None
    assert death_of(make_dead_delivery(exchange="jobs", headers={wire.X_FAILED_AT: None, wire.X_QUEUE: ""})) is None


def test_the_longest_names_still_make_a_short_identity() -> None:
    identity = death_of(
        make_dead_delivery(message_id="m" * 255, routing_key="q" * 255, headers={wire.X_FAILED_AT: "x" * 1024})
    )

    assert identity is not None
    assert len(identity) == 36


@pytest.mark.parametrize("queue", ["email.send", "alerting"])
def test_a_probe_is_ignored(queue: str) -> None:
    assert read_failure(make_dead_delivery(headers={wire.X_PROBE: "1"}, routing_key=queue)) is None


def test_its_own_dead_letters_are_ignored() -> None:
    assert read_failure(make_dead_delivery(routing_key="alerting", headers={wire.X_QUEUE: "alerting"})) is None


def test_a_job_that_no_queue_takes_is_a_failure() -> None:
    delivery = make_dead_delivery(exchange="jobs", routing_key="report.generat")
    delivery.headers = {}

    failure = read_failure(delivery)

    assert failure is not None
    assert (failure.queue, failure.cause.error_type, failure.kind) == ("unrouted", "Unrouted", "report.generat")


def test_unrouted_jobs_without_id_are_each_counted() -> None:
    deliveries = [make_dead_delivery(exchange="jobs", message_id=None, tag=tag) for tag in (1, 2)]
    for delivery in deliveries:
        delivery.headers = {}

    failures = [read_failure(delivery) for delivery in deliveries]

    assert all(failure is not None and failure.message_id.startswith("content:") for failure in failures)
    assert len({failure.death for failure in failures if failure}) == 2


def test_a_job_without_a_time_that_is_unrouted_once_more_is_not_taken_for_a_copy() -> None:
    deliveries = [make_dead_delivery(exchange="jobs", headers={wire.X_FAILED_AT: None}, tag=tag) for tag in (1, 2)]

    first, again = (read_failure(delivery) for delivery in deliveries)

    assert first
    assert again
    assert first.message_id == again.message_id
    assert first.death != again.death
    assert [death_of(delivery) for delivery in deliveries] == [None, None]


@pytest.mark.parametrize("body", [b"", b"not json", b"\xff\x00\xfe", b"[1]", b"[" * 100_000, b"x" * 300_000])
def test_any_body_is_recorded(body: bytes) -> None:
    failure = read_failure(make_dead_delivery(body=body))

    assert failure is not None
    assert "\0" not in failure.payload
    assert len(failure.payload) < 5000


def test_a_message_without_any_header_is_recorded() -> None:
    delivery = make_dead_delivery(message_id=None)
    delivery.headers = {}

    failure = read_failure(delivery)

    assert failure is not None
    assert (failure.queue, failure.cause.error_type) == ("email.send", "Unknown")
    assert abs((datetime.now(UTC) - failure.failed_at).total_seconds()) < 60
