"""How many messages a replay takes, and how many go together."""

import pytest

from postroom.operator.dead_letters.rate_limit import IDS_PER_EVENT, SLOWEST_PER_SECOND, ReplayRate
from postroom.operator.dead_letters.reading import BATCH, HELD_SECONDS


@pytest.mark.parametrize(
    ("per_second", "in_hand", "at_once"),
    [
        (None, BATCH, IDS_PER_EVENT),
        (1000.0, BATCH, IDS_PER_EVENT),
        (20.0, BATCH, 2),
        (0.2, 12, 1),
        (SLOWEST_PER_SECOND, 1, 1),
    ],
)
def test_with_a_rate_no_more_are_in_hand_than_go_in_a_minute(
    per_second: float | None, in_hand: int, at_once: int
) -> None:
    rate = ReplayRate(per_second)

    assert (rate.in_hand, rate.at_once) == (in_hand, at_once)


def test_what_is_held_goes_back_long_before_the_broker_cuts_off_its_reader() -> None:
    one_batch = 1 / SLOWEST_PER_SECOND

    assert HELD_SECONDS + 2 * one_batch < 15 * 60  # half of what RabbitMQ allows by default
