"""Lengths of time as people say them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from postroom.durations import Duration, duration_in_words, read_duration, rough_duration, write_duration

WHOLE_SECONDS = st.integers(1, 10**10).map(lambda seconds: timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"), (0.0123, "12 ms"), (0.9996, "1 s"), (1.4, "1 s"), (59.6, "1 min"), (60, "1 min"),
        (303, "5 min 3 s"), (3600, "1 h"), (3605, "1 h"), (7980, "2 h 13 min"), (270_000, "3 d 3 h"), (86_400, "1 d"),
    ],
)  # fmt: skip
def test_a_duration_has_two_units_at_most(seconds: float, words: str) -> None:
    assert duration_in_words(seconds) == words


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15m", 900), ("1h30m", 5400), ("2d", 172_800), ("1w", 604_800), ("1d1s", 86_401), ("0s", 0), ("1.5h", 5400),
        ("10 m", 600), (" 1h 30m ", 5400),
    ],
)  # fmt: skip
def test_a_duration_is_read_as_people_write_it(text: str, seconds: int) -> None:
    assert read_duration(text).total_seconds() == seconds
    assert TypeAdapter(Duration).validate_python(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", " ", "soon", "10", "m", "-5m", "30m1h", "1h1h", "10min", "1.h", "9999999999999w"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"write it as|is too long"):
        read_duration(text)


@pytest.mark.parametrize("text", ["soon", "10min", "9999999999999w"])
def test_a_field_that_is_no_duration_is_a_validation_error(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Duration).validate_python(text)


@pytest.mark.parametrize(("given", "seconds"), [("PT15M", 900), (90, 90), (0.5, 0.5), (timedelta(hours=1), 3600)])
def test_a_field_takes_seconds_and_iso_8601_too(given: object, seconds: float) -> None:
    assert TypeAdapter(Duration).validate_python(given).total_seconds() == seconds


@given(WHOLE_SECONDS)
def test_what_is_written_is_read_as_the_same(duration: timedelta) -> None:
    assert read_duration(write_duration(duration)) == duration


def test_fractions_of_a_second_are_written_as_iso_8601() -> None:
    assert write_duration(timedelta(seconds=0.5)) == "PT0.5S"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"), (0.9, "0 s"), (95, "95 s"), (119.9, "119 s"), (120, "2 min"), (179, "2 min"), (7199, "119 min"),
        (7200, "2 h"), (172_799, "47 h"), (172_800, "2 d"),
    ],
)  # fmt: skip
def test_a_rough_duration_has_the_largest_unit_of_which_there_are_two(seconds: float, text: str) -> None:
    assert rough_duration(timedelta(seconds=seconds)) == text
