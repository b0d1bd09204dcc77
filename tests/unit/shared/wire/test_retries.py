"""Waits between tries."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.wire.retries import LONGEST_BACKOFF, RetryPolicy, exponential, fixed


def seconds(*waits: timedelta) -> list[float]:
    return [wait.total_seconds() for wait in waits]


def test_a_fixed_backoff_is_always_the_same() -> None:
    backoff = fixed(timedelta(seconds=7))

    assert seconds(*(backoff.after(attempt) for attempt in (1, 2, 50))) == [7, 7, 7]


def test_an_exponential_backoff_doubles_up_to_an_hour() -> None:
    backoff = exponential(timedelta(seconds=2))

    assert seconds(*(backoff.after(attempt) for attempt in (1, 2, 3, 4, 11, 12, 1000))) == [
        2,
        4,
        8,
        16,
        2048,
        3600,
        3600,
    ]


def test_the_default_waits_half_a_minute_in_all() -> None:
    policy = RetryPolicy()

    assert sum(seconds(*(policy.backoff.after(attempt) for attempt in range(1, policy.attempts)))) == 30


def test_parts_of_a_second_are_rounded_up() -> None:
    assert seconds(fixed(timedelta(seconds=0.01)).after(1), exponential(timedelta(seconds=0.3)).after(3)) == [1, 2]


def test_there_is_at_least_one_try() -> None:
    with pytest.raises(ValueError, match="counts the first try too"):
        RetryPolicy(attempts=0)


@given(st.integers(1, 2_000_000), st.floats(0.001, 1_000_000))
def test_every_wait_is_whole_seconds_and_bounded(attempt: int, first: float) -> None:
    wait = exponential(timedelta(seconds=first)).after(attempt)

    assert timedelta(seconds=1) <= wait <= LONGEST_BACKOFF
    assert wait.total_seconds().is_integer()
