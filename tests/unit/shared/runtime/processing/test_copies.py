"""The copies that stand for a message that was not done."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from pamqp import encode

from postroom import wire
from postroom.broker.amqp_values import tolerate_any_value
from postroom.broker.publishing.outgoing import MAX_HEADER_BYTES
from postroom.broker.topology import LONGEST_WAIT, walk_key
from postroom.runtime.failure import Failure
from postroom.runtime.processing.copies import completed, dead_letter, deferred, postponed, retried
from postroom.testing import make_delivery
from postroom.wire.errors import PermanentFailure
from postroom.worker.delivery import Delivery, read_message_options

FAILURE = Failure(PermanentFailure("no such user"), attempts=5)
SECOND = timedelta(seconds=1)
TRACES = {"x-death": [{"count": 1}], "x-first-death-queue": "q", "x-last-death-reason": "r", "x-delivery-count": 3}


@pytest.fixture(autouse=True, scope="module")
def tolerant() -> None:
    tolerate_any_value()


def delivery(**changes: Any) -> Delivery:
    return make_delivery(b'{"n": 1}', **{"queue": "email.send", "routing_key": "email.send"} | changes)


def copies(one: Delivery) -> list[dict[str, Any]]:
    """The headers of every kind of copy."""
    made = (postponed(one, SECOND), retried(one, FAILURE, "email", SECOND), dead_letter(one, FAILURE, "email"))
    return [dict(copy.headers) for copy in made]


def test_a_dead_letter_is_the_message_with_its_reason() -> None:
    written_at = datetime(2026, 3, 1, tzinfo=UTC)
    letter = dead_letter(
        delivery(message_id="m", correlation_id="c", app_id="shop", timestamp=written_at, content_type="text/x"),
        FAILURE,
        "email",
    )

    assert (letter.exchange, letter.routing_key, letter.body) == ("dead-letters", "email.send", b'{"n": 1}')
    assert (letter.message_id, letter.correlation_id, letter.app_id) == ("m", "c", "shop")
    assert (letter.timestamp, letter.content_type) == (written_at, "text/x")
    assert letter.headers["x-error"] == "no such user"
    assert letter.headers["x-error-type"] == "PermanentFailure"
    assert letter.mandatory


def test_where_an_earlier_try_failed_is_not_said_of_one_that_no_code_raised() -> None:
    one = delivery(headers={"x-error-at": "postroom_email.postman.deliver"})

    for copy in (retried(one, FAILURE, "email", SECOND), dead_letter(one, FAILURE, "email")):
        assert "x-error-at" not in copy.headers


def test_a_retry_walks_the_ladder_back_to_its_queue() -> None:
    retry = retried(delivery(), FAILURE, "email", timedelta(seconds=5))

    assert (retry.exchange, retry.routing_key) == ("delay", walk_key(timedelta(seconds=5), "email.send"))
    assert "x-failed-at" not in retry.headers


def test_neither_the_broker_s_traces_nor_routing_headers_are_carried() -> None:
    one = delivery(headers={**TRACES, "CC": ["a"], "BCC": ["b"], "tenant": "acme"})

    for headers in copies(one):
        assert headers["tenant"] == "acme"
        assert headers.keys().isdisjoint({*TRACES, "CC", "BCC"})


def test_a_waiting_replay_stays_a_replay_and_a_retried_one_is_none() -> None:
    waiting, again, _dead = copies(delivery(headers={"x-failed-at": "2026-01-01T00:00:00Z", "x-replays": 1}))

    assert waiting["x-failed-at"] == "2026-01-01T00:00:00Z"
    assert waiting["x-replays"] == 1
    assert "x-failed-at" not in again
    assert again["x-replays"] == 2


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({}, ("delay.due", "0.1.email.send")),
        ({"x-exchange": "jobs", "x-routing-key": "email.send"}, ("jobs", "email.send")),
        ({"x-exchange": {"a": 1}, "x-routing-key": ["b"]}, ("delay.due", "0.1.email.send")),
    ],
)
def test_every_copy_says_where_the_message_was_first_published(headers: Any, origin: tuple[str, str]) -> None:
    one = delivery(exchange="delay.due", routing_key="0.1.email.send", headers=headers)

    for copy in copies(one):
        assert (copy["x-exchange"], copy["x-routing-key"]) == origin


def test_a_delay_is_waited_for_once() -> None:
    one = delivery(headers={"delay-seconds": 60})

    assert all("delay-seconds" not in headers for headers in copies(one))


@pytest.mark.parametrize("age", [None, timedelta(0), timedelta(seconds=30), timedelta(days=-1)])
def test_a_wait_longer_than_the_ladder_walks_again_with_what_is_left(age: timedelta | None) -> None:
    now = datetime.now(UTC)
    timestamp = None if age is None else now - age
    wait = LONGEST_WAIT + timedelta(days=7)

    first_walk = postponed(delivery(timestamp=timestamp), wait)

    assert first_walk.routing_key == walk_key(LONGEST_WAIT, "email.send")
    back = delivery(timestamp=timestamp, headers=first_walk.headers, received_at=(now + LONGEST_WAIT).timestamp())
    left = read_message_options(back.headers).wait_left(back)
    assert abs(left - timedelta(days=7)) < timedelta(seconds=3)
    second_walk = postponed(back, left)
    assert "delay-seconds" not in second_walk.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"tenant": "a" * 120_000},
        {f"tenant-{n}": "a" * 500 for n in range(250)},
        {f"x-tenant-{n}": "a" * 500 for n in range(250)},
        {"x-exchange": "a" * 120_000, "x-first-seen-at": "b" * 5000, "x-replays": {"a": "b" * 100_000}},
        {"tenant": {"a": [{"b": "c" * 100_000}]}},
    ],
)
def test_the_headers_of_a_copy_always_fit_a_frame(headers: dict[str, Any]) -> None:
    for copy in copies(delivery(headers=headers)):
        assert len(encode.field_table(copy)) <= MAX_HEADER_BYTES + 1024
        assert len(copy) <= wire.MAX_HEADERS
        assert copy["x-exchange"]


def test_the_largest_headers_are_left_out_first() -> None:
    letter = dead_letter(delivery(headers={"large": "a" * 70_000, "small": "b"}), FAILURE, "email")

    assert "large" not in letter.headers
    assert letter.headers["small"] == "b"


def test_a_long_error_is_cut_between_characters() -> None:
    letter = dead_letter(delivery(), Failure(ValueError("€" * 1000), 1), "email")

    error = letter.headers["x-error"]
    assert len(error.encode()) <= wire.MAX_ERROR_BYTES
    assert error == "€" * (len(error) - 1) + "…"


def test_an_error_without_words_says_its_name() -> None:
    assert Failure(TimeoutError(), 1).text == "TimeoutError"


def test_an_error_s_secrets_are_hidden() -> None:
    assert Failure(ValueError("amqp://u:canary@host"), 1).text == "amqp://u:•••@host"


def test_a_message_without_an_id_gets_one_so_that_its_retries_are_one_piece_of_work() -> None:
    assert len(retried(delivery(message_id=None), FAILURE, "email", SECOND).message_id) == 36


def test_each_end_of_a_message_is_told_under_an_id_of_its_own() -> None:
    replayed = {wire.X_FAILED_AT: "2026-03-01T00:00:00+00:00"}
    ends = [
        delivery(),
        delivery(headers=replayed),
        delivery(headers={**replayed, wire.X_REPLAYS: 1}),
        delivery(headers=replayed, queue="sms.send"),
        delivery(headers=replayed, message_id="m" * wire.MAX_SHORT_BYTES),
        delivery(headers=replayed, message_id="m" * (wire.MAX_SHORT_BYTES - 1)),
    ]

    ids = [completed(end).message_id for end in ends]

    assert len(set(ids)) == len(ends)
    assert ids == [completed(end).message_id for end in ends]  # of one end always the same
    assert max(len(each) for each in ids) <= wire.MAX_SHORT_BYTES


MOVED = {"x-death": [{"queue": "email.send", "reason": "delivery_limit", "time": datetime(2026, 3, 1, tzinfo=UTC)}]}


@pytest.mark.parametrize(
    "headers", [MOVED, {**MOVED, wire.X_ATTEMPT: 3}, {**MOVED, wire.X_FAILED_AT: "2026-02-01T00:00:00Z"}]
)
def test_what_the_broker_buried_stays_a_replay_while_it_waits(headers: dict[str, Any]) -> None:
    moved = delivery(headers=headers, message_id="m")

    later = delivery(headers=postponed(moved, SECOND).headers)
    far = orjson.loads(deferred(moved, {"n": 1}, 2 * LONGEST_WAIT).body)

    for headers_then in (later.headers, far["headers"]):
        then = delivery(headers=headers_then)
        assert (then.attempt, then.replays) == (1, moved.replays)
        assert then.is_replay
        assert "x-death" not in headers_then


def test_what_alerting_is_told_of_other_deaths_is_not_counted_as_its_own() -> None:
    own = {"queue": wire.ALERTING_QUEUE, "reason": "rejected", "time": datetime(2026, 3, 1, tzinfo=UTC)}
    told = {wire.X_FAILED_AT: "2026-02-01T00:00:00Z", wire.X_REPLAYS: 1}

    copy = postponed(delivery(queue=wire.ALERTING_QUEUE, headers={**told, "x-death": [own]}), SECOND)

    assert {name: copy.headers[name] for name in told} == told
