"""Lengths of time as people say them."""

import pytest

from postroom.durations import duration_in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"), (0.0123, "12 ms"), (0.9996, "1 s"), (1.4, "1 s"), (59.6, "1 min"), (60, "1 min"),
        (303, "5 min 3 s"), (3600, "1 h"), (3605, "1 h"), (7980, "2 h 13 min"), (270_000, "3 d 3 h"), (86_400, "1 d"),
    ],
)  # fmt: skip
def test_a_duration_has_two_units_at_most(seconds: float, words: str) -> None:
    assert duration_in_words(seconds) == words
