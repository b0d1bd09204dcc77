"""`eventually` waits as long as the machine needs, and a wait that ends says what was missing."""

import functools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from postroom.testing import eventually, patience
from postroom.testing.explaining import LONGEST_VALUE

AT_ONCE = timedelta(0)
TEXTS = ["one", "two"]


@pytest.fixture(autouse=True)
def no_longer_than_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POSTROOM_PATIENCE", raising=False)


async def failure_of(check: Callable[[], Any | Awaitable[Any]]) -> list[str]:
    """What is said when it does not come, without where it stands."""
    with pytest.raises(AssertionError) as failed:
        await eventually(check, within=AT_ONCE)
    first, *others = str(failed.value).splitlines()
    begin, _, question = first.partition(": ")
    assert begin == "not within 0 s, asked 2 times"
    return [question.partition(" (test_waiting.py:")[0], *map(str.strip, others)]


async def test_it_returns_the_first_true_answer() -> None:
    answers = iter([None, 0, "", "yes"])
    assert await eventually(lambda: next(answers)) == "yes"

    async def later() -> int:
        return 7

    assert await eventually(later) == 7


async def test_what_becomes_true_after_the_last_moment_is_true() -> None:
    answers = iter([False, "late"])
    assert await eventually(lambda: next(answers), within=AT_ONCE) == "late"


def test_a_busy_machine_is_given_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert patience(timedelta(seconds=10)) == timedelta(seconds=10)
    monkeypatch.setenv("POSTROOM_PATIENCE", "2.5")
    assert patience(timedelta(seconds=10)) == timedelta(seconds=25)


async def test_a_failure_shows_the_expression_and_the_last_value_of_each_part() -> None:
    wanted = 3
    assert await failure_of(lambda: len(TEXTS) == wanted) == [
        "len(TEXTS) == wanted",
        "len(TEXTS) = 2",
        "wanted = 3",
        "the answer was False",
    ]


async def test_parts_that_were_not_asked_are_not_shown() -> None:
    assert await failure_of(lambda: not TEXTS and len(TEXTS) < 1) == [
        "not TEXTS and len(TEXTS) < 1",
        "TEXTS = ['one', 'two']",
        "the answer was False",
    ]


async def test_of_two_conditions_in_one_line_the_right_one_is_shown() -> None:
    first, second = (lambda: TEXTS == []), (lambda: len(TEXTS) > 9)
    assert (await failure_of(first))[0] == "TEXTS == []"
    assert (await failure_of(second))[0] == "len(TEXTS) > 9"


async def test_a_condition_with_a_name_of_its_own_shows_what_it_compared() -> None:
    async def depth() -> int:
        return 4

    async def is_drained() -> bool:
        return await depth() == 0

    assert await failure_of(is_drained) == ["is_drained", "await depth() = 4", "the answer was False"]


async def test_a_method_is_asked_of_its_object() -> None:
    class Queue:
        waiting = 2

        def is_empty(self) -> bool:
            return self.waiting == 0

    assert await failure_of(Queue().is_empty) == ["is_empty", "self.waiting = 2", "the answer was False"]


async def test_an_assertion_says_its_reason_and_its_parts() -> None:
    async def all_there() -> bool:
        found = len(TEXTS)
        assert found == 3, f"{found} of 3"
        return True

    failure = await failure_of(all_there)
    assert failure[:3] == ["all_there", "found = 2", "an assertion in it failed: 2 of 3"]


async def test_defaults_are_those_of_the_condition() -> None:
    assert "number = 5" in await failure_of(lambda number=5: number > 6)


async def test_what_has_no_source_or_cannot_be_copied_is_asked_as_it_is() -> None:
    asked = 0

    def counts() -> bool:
        nonlocal asked
        asked += 1
        return False

    assert await failure_of(counts) == ["counts", "the answer was False"]
    assert asked == 2
    assert await failure_of(functools.partial(max, 0, 0)) == ["max(0, 0)", "the answer was 0"]


async def test_long_values_are_cut_and_values_that_cannot_be_shown_are_named() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise ValueError("no")

        def __eq__(self, other: object) -> bool:
            return False

        __hash__ = None  # type: ignore[assignment]

    text = "x" * 2000
    _, part, _answer = await failure_of(lambda: text == "y")
    assert part == f"text = {'x' * LONGEST_VALUE}… (2,000 characters)"
    assert "Broken() = a Broken that cannot be shown: ValueError" in await failure_of(lambda: Broken() == 1)
