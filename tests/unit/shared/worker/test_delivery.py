"""What the headers of a delivery ask for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postroom.testing import make_delivery
from postroom.wire.errors import InvalidMessage
from postroom.wire.header_counts import MOST_COUNTED
from postroom.wire.retries import RetryPolicy, exponential, fixed
from postroom.worker.delivery import NO_MESSAGE_OPTIONS, Delivery, read_message_options

DEFAULT = RetryPolicy(attempts=5, backoff=exponential(timedelta(seconds=2)))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def delivery(**changes: Any) -> Delivery:
    return make_delivery(b"{}", received_at=NOON.timestamp(), **changes)


@pytest.mark.parametrize(
    ("headers", "attempt", "replays"),
    [
        ({}, 1, 0),
        ({"x-attempt": 1}, 2, 0),
        ({"x-attempt": "4"}, 5, 0),
        ({"x-attempt": 5, "x-failed-at": "2026-01-01T00:00:00Z"}, 1, 1),
        ({"x-attempt": 5, "x-failed-at": "2026-01-01T00:00:00Z", "x-replays": 2}, 1, 3),
        ({"x-attempt": 2, "x-replays": 2}, 3, 2),
        ({"x-attempt": "x", "x-replays": None}, 1, 0),
        ({"x-attempt": -7, "x-replays": [1]}, 1, 0),
        ({"x-attempt": 2**63 - 1, "x-replays": "9" * 400}, MOST_COUNTED + 1, MOST_COUNTED),
        ({"x-attempt": float("inf")}, 1, 0),
    ],
)
def test_attempts_and_replays_are_counted_whatever_stands_there(
    headers: dict[str, Any], attempt: int, replays: int
) -> None:
    one = delivery(headers=headers)

    assert (one.attempt, one.replays) == (attempt, replays)


BURIED = {"queue": "email.send", "reason": "delivery_limit", "time": NOON, "count": 2}
LADDER = {"queue": "delay.4s", "reason": "expired", "time": NOON, "count": 1}


@pytest.mark.parametrize(
    ("headers", "attempt", "replays"),
    [
        ({"x-death": [BURIED], "x-attempt": 3}, 1, 1),
        ({"x-death": [LADDER, BURIED], "x-attempt": 3, "x-replays": 2}, 1, 3),
        ({"x-death": [BURIED], "x-attempt": 3, "x-failed-at": "2026-01-01T00:00:00Z"}, 1, 2),  # buried as a replay
        ({"x-death": [LADDER], "x-attempt": 3}, 4, 0),
        ({"x-death": [BURIED | {"queue": "sms.send"}], "x-attempt": 3}, 4, 0),
        ({"x-death": [BURIED | {"time": None}]}, 1, 1),
        ({"x-death": "email.send"}, 1, 0),
        ({"x-death": [None, ["email.send"]]}, 1, 0),
    ],
)
def test_what_the_broker_buried_and_a_person_moved_back_is_a_replay(
    headers: dict[str, Any], attempt: int, replays: int
) -> None:
    one = delivery(headers=headers, queue="email.send")

    assert (one.is_replay, one.attempt, one.replays) == (replays > 0, attempt, replays)


def test_first_seen_is_now_or_what_an_earlier_worker_wrote() -> None:
    assert delivery().first_seen_at == "2026-03-01T12:00:00+00:00"
    assert delivery(headers={"x-first-seen-at": "2026-01-01T00:00:00Z"}).first_seen_at == "2026-01-01T00:00:00Z"


def test_without_wishes_the_service_s_own_policy_holds() -> None:
    assert read_message_options({"tenant": "acme"}) is NO_MESSAGE_OPTIONS
    assert NO_MESSAGE_OPTIONS.retry_policy(DEFAULT) is DEFAULT


@pytest.mark.parametrize(
    ("headers", "policy"),
    [
        ({"attempts": 2}, RetryPolicy(2, DEFAULT.backoff)),
        ({"attempts": "2"}, RetryPolicy(2, DEFAULT.backoff)),
        ({"backoff": "fixed"}, RetryPolicy(5, fixed(timedelta(seconds=2)))),
        ({"backoff-seconds": 7}, RetryPolicy(5, exponential(timedelta(seconds=7)))),
        ({"attempts": 1, "backoff": "fixed", "backoff-seconds": 0.5}, RetryPolicy(1, fixed(timedelta(seconds=0.5)))),
    ],
)
def test_each_wish_replaces_its_part_of_the_policy(headers: dict[str, Any], policy: RetryPolicy) -> None:
    assert read_message_options(headers).retry_policy(DEFAULT) == policy


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({"attempts": 0}, "attempts"),
        ({"attempts": 1001}, "attempts"),
        ({"backoff": "quadratic"}, "backoff"),
        ({"backoff-seconds": 0}, "backoff-seconds"),
        ({"backoff-seconds": float("inf")}, "backoff-seconds"),
        ({"delay-seconds": -0.1}, "delay-seconds"),
        ({"delay-seconds": float("nan")}, "delay-seconds"),
        ({"delay-seconds": 315_360_001}, "delay-seconds"),
        ({"expires-at": "soon"}, "expires-at"),
        ({"expires-at": bytearray(b"\xff")}, "expires-at"),
    ],
)
def test_a_wish_that_cannot_be_meant_is_named(headers: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidMessage, match=rf"^header {field}: "):
        read_message_options(headers)


def test_more_than_a_hundred_headers_are_refused() -> None:
    read_message_options({str(number): 1 for number in range(100)})
    with pytest.raises(InvalidMessage, match="101 of them, at most 100"):
        read_message_options({str(number): 1 for number in range(101)})


@pytest.mark.parametrize(
    ("expires_at", "has_expired"),
    [
        ("2026-03-01T12:00:00Z", True),
        ("2026-03-01T12:00:01Z", False),
        ("2026-03-01T13:00:00+01:00", True),
        ("2026-03-01T13:00:01+01:00", False),
        ("2026-03-01T11:59:59", True),  # without a zone it is UTC
        ("0001-01-01T00:00:00+14:00", True),
        ("9999-12-31T23:59:59-12:00", False),
        (datetime(2026, 3, 1, 11, tzinfo=UTC), True),  # an AMQP time
    ],
)
def test_a_message_expires_at_its_moment(expires_at: Any, has_expired: bool) -> None:
    assert read_message_options({"expires-at": expires_at}).has_expired(NOON.timestamp()) is has_expired


@pytest.mark.parametrize(
    ("delay", "age", "left"),
    [
        (0, None, 0),
        (3, None, 3),
        (0.2, None, 1),  # whole seconds, never early
        ("3.5", None, 4),
        (60, 0.9, 60),  # the time stamp has whole seconds: such an age may be none
        (60, 1.9, 60),
        (60, 30, 30),
        (60, 61, 0),
        (60, -5, 60),  # the publisher's clock is ahead
    ],
)
def test_a_delay_is_counted_from_the_publisher_s_time_stamp(delay: Any, age: float | None, left: int) -> None:
    timestamp = None if age is None else NOON - timedelta(seconds=age)

    wait = read_message_options({"delay-seconds": delay}).wait_left(delivery(timestamp=timestamp))

    assert wait == timedelta(seconds=left)
