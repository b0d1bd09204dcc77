"""What a dead message tells about its death."""

from datetime import UTC, datetime
from typing import Any

import pytest

from postroom import wire
from postroom.wire.dead_letter import Envelope, read_dead_letter
from postroom.wire.header_counts import MOST_COUNTED

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def by_worker(**headers: Any) -> dict[str, Any]:
    return {
        wire.X_ERROR_TYPE: "RecipientRefused",
        wire.X_ERROR: "550 no such user",
        wire.X_FAILED_AT: NOON.isoformat(),
        wire.X_QUEUE: "email.on.user.created",
        wire.X_ROUTING_KEY: "user.created",
        wire.X_ATTEMPT: 3,
        wire.X_REPLAYS: 2,
    } | headers


def by_broker(queue: str, reason: str = "delivery_limit", **more: Any) -> dict[str, Any]:
    return {
        "queue": queue, "reason": reason, "time": NOON, "count": 1, "exchange": "jobs", "routing-keys": [queue],
    } | more  # fmt: skip


def test_a_death_by_the_worker_is_read_from_its_headers() -> None:
    envelope = Envelope(by_worker(), wire.DEAD_LETTERS, "email.on.user.created", "id-1")

    letter = read_dead_letter(envelope)

    assert (letter.queue, letter.kind, letter.message_id) == ("email.on.user.created", "user.created", "id-1")
    assert (letter.error_type, letter.error) == ("RecipientRefused", "550 no such user")
    assert (letter.failed_at, letter.attempts, letter.replays) == (NOON, 3, 2)
    assert not letter.is_by_broker


@pytest.mark.parametrize(
    ("reason", "error_type"),
    [
        ("delivery_limit", "DeliveryLimit"),
        ("rejected", "Rejected"),
        ("expired", "Expired"),
        ("maxlen", "QueueFull"),
        ("what comes next", "Buried"),
    ],
)
def test_a_death_by_the_broker_is_named_by_its_reason(reason: str, error_type: str) -> None:
    headers = {"x-death": [by_broker("email.send", reason)], wire.X_ATTEMPT: 2}

    letter = read_dead_letter(Envelope(headers, wire.DEAD_LETTERS, "email.send", "id-1"))

    assert (letter.queue, letter.kind, letter.error_type) == ("email.send", "email.send", error_type)
    assert (letter.failed_at, letter.attempts, letter.is_by_broker) == (NOON, 3, True)
    assert letter.death


def test_a_death_by_the_broker_after_a_replay_is_not_taken_for_the_one_before() -> None:
    headers = by_worker(**{"x-death": [by_broker("email.send")], wire.X_QUEUE: "email.send"})

    letter = read_dead_letter(Envelope(headers, wire.DEAD_LETTERS, "email.send", "id-1"))

    assert (letter.error_type, letter.replays) == ("DeliveryLimit", 3)


def test_a_wait_on_the_delay_ladder_is_no_death() -> None:
    headers = by_worker(**{"x-death": [by_broker("delay.4s", "expired")]})

    letter = read_dead_letter(Envelope(headers, "delay.due", "0.0.1.alerting", "id-1"))

    assert (letter.queue, letter.error_type) == ("email.on.user.created", "RecipientRefused")


def test_a_job_that_no_queue_takes_is_unrouted() -> None:
    letter = read_dead_letter(Envelope({}, wire.JOBS, "report.generat", "id-1", NOON))

    assert (letter.queue, letter.kind, letter.error_type) == ("unrouted", "report.generat", "Unrouted")
    assert (letter.failed_at, letter.attempts) == (NOON, 0)
    assert "report.generat" in letter.error


def test_each_time_that_no_queue_took_a_job_is_a_death_of_its_own() -> None:
    again = {wire.X_FAILED_AT: "2026-03-02T12:00:00+00:00", wire.X_REPLAYS: 1, wire.X_QUEUE: "email.send"}

    first, copy, later = (
        read_dead_letter(Envelope(headers, wire.JOBS, "email.send", "id-1", NOON)) for headers in ({}, {}, again)
    )

    assert first == copy
    assert (later.queue, later.replays) == ("unrouted", 2)
    assert later.death != first.death
    assert later.failed_at == datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_each_kind_that_no_queue_takes_is_a_cause_of_its_own() -> None:
    causes = {read_dead_letter(Envelope({}, wire.JOBS, kind)).cause.key for kind in ("a.b", "c.d")}

    assert len(causes) == 2


@pytest.mark.parametrize("is_moved_in_the_ui", [True, False])
def test_what_alerting_itself_could_not_process_tells_the_same_after_a_replay(is_moved_in_the_ui: bool) -> None:
    told = Envelope({"x-death": [by_broker("email.send")]}, wire.DEAD_LETTERS, "email.send", "id-1")
    died_in_alerting = by_broker("alerting", "rejected", exchange=wire.DEAD_LETTERS, **{"routing-keys": ["email.send"]})
    headers = {**told.headers, "x-death": [died_in_alerting, *told.headers["x-death"]]}

    back = Envelope(headers, "", "alerting", "id-1")

    assert read_dead_letter(back) == read_dead_letter(told)


def test_the_reader_of_a_dead_queue_knows_where_it_is() -> None:
    letter = read_dead_letter(Envelope({}, "", "email.send.dead", "id-1"), queue="email.send")

    assert (letter.queue, letter.error_type) == ("email.send", "Unknown")


def test_alertings_own_dead_letters_are_read_by_who_reads_its_dead_queue() -> None:
    headers = {"x-death": [by_broker("alerting", "rejected"), by_broker("email.send")]}

    letter = read_dead_letter(Envelope(headers, "", "alerting.dead"), queue="alerting")

    assert (letter.queue, letter.error_type) == ("alerting", "Rejected")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-death": "text"},
        {"x-death": []},
        {"x-death": [None, 7, "x"]},
        {"x-death": [{"queue": None, "time": "never", "routing-keys": "x"}]},
        {"x-death": [{"queue": "q", "time": 7, "routing-keys": []}]},
        by_worker(**{wire.X_FAILED_AT: "yesterday", wire.X_ATTEMPT: "many", wire.X_REPLAYS: float("inf")}),
        by_worker(**{wire.X_FAILED_AT: 17, wire.X_ERROR: b"\xff\x00", wire.X_ERROR_TYPE: {"a": 1}}),
        by_worker(**{wire.X_ATTEMPT: 10**30, wire.X_ERROR: "x" * 10_000, wire.X_QUEUE: "\ud800"}),
        by_worker(**{wire.X_FAILED_AT: datetime.max.replace(tzinfo=UTC)}),
    ],
)
def test_any_headers_can_be_read_and_stored(headers: dict[str, Any]) -> None:
    letter = read_dead_letter(Envelope(headers, wire.DEAD_LETTERS, "q", "id\0-1"))

    texts = (letter.queue, letter.kind, letter.message_id, letter.error_type, letter.error, letter.death)
    assert all("\0" not in text and text.encode() is not None and len(text) <= 1024 for text in texts)
    assert 0 <= letter.attempts <= MOST_COUNTED
    assert 0 <= letter.replays <= MOST_COUNTED
    assert letter.cause.key
