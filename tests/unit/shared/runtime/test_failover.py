"""Which provider is asked next, and how long one that was away is left alone."""

from datetime import timedelta

import pytest

from postroom.runtime.failover import ProviderOrder, RestPeriod

REST = RestPeriod(first=timedelta(seconds=2), longest=timedelta(seconds=5))


class Clock:
    """Time that stands still."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def order(clock: Clock) -> ProviderOrder[str]:
    return ProviderOrder(["a", "b", "c"], REST, called=lambda name: f"Provider {name}", takes="mail", clock=clock)


def asked(order: ProviderOrder[str], among: list[int] | None = None) -> str:
    """All that one message would be offered to, if none took it."""
    return "".join(provider for _place, provider in order.candidates(among))


def test_who_is_away_is_asked_last(order: ProviderOrder[str]) -> None:
    order.note_away(0, "gone")

    assert asked(order) == "bca"
    assert asked(order, [0, 2]) == "ca"
    assert asked(order, [0]) == "a"


def test_after_its_rest_one_message_tries_it_and_the_others_do_not(order: ProviderOrder[str], clock: Clock) -> None:
    order.note_away(0, "gone")
    clock.now += 2

    assert next(order.candidates()) == (0, "a")
    assert next(order.candidates()) == (1, "b")


def test_a_rest_doubles_each_time_it_is_tried_in_vain_up_to_the_longest(
    order: ProviderOrder[str], clock: Clock
) -> None:
    order.note_away(0, "gone")
    for rest in (2, 4, 5, 5):
        clock.now += rest - 0.1
        assert next(order.candidates()) == (1, "b")
        clock.now += 0.1
        assert next(order.candidates()) == (0, "a")
        order.note_away(0, "still gone")


def test_many_that_fail_together_make_its_rest_no_longer(order: ProviderOrder[str], clock: Clock) -> None:
    for _ in range(10):
        order.note_away(0, "gone")
    clock.now += 2

    assert next(order.candidates()) == (0, "a")


def test_who_answers_is_asked_first_again_and_its_next_rest_is_short(order: ProviderOrder[str], clock: Clock) -> None:
    for _ in range(3):
        order.note_away(0, "gone")
        clock.now += 60
        next(order.candidates())
    order.note_back(0)
    assert asked(order) == "abc"

    order.note_away(0, "gone")
    clock.now += 2
    assert next(order.candidates()) == (0, "a")


def test_it_is_logged_once_that_one_is_away_and_once_that_it_is_back(
    order: ProviderOrder[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "postroom.runtime.failover")
    for _ in range(3):
        order.note_away(1, "refused by ada@example.com")
    for _ in range(3):
        order.note_back(1)

    assert caplog.messages == [
        "Provider b takes no mail: refused by a•••@example.com",
        "Provider b takes mail again",
    ]


def test_two_that_are_equal_rest_each_for_itself(clock: Clock) -> None:
    order = ProviderOrder(["a", "a"], REST, called=str, takes="mail", clock=clock)
    order.note_away(0, "gone")

    assert [place for place, _provider in order.candidates()] == [1, 0]
