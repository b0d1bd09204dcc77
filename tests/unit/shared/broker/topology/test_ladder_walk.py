"""The ladder's routing, walked through by hand: bindings and waits as a broker follows them."""

import re
from datetime import timedelta

import pytest

from postroom import wire
from postroom.broker.topology import LONGEST_WAIT, Binding, delay_ladder, walk_key
from postroom.broker.topology.model import due_binding


def _takes(binding: Binding, key: str) -> bool:
    words = {"*": r"[^.]+", "#": r".*"}
    pattern = r"\.".join(words.get(word, re.escape(word)) for word in binding.key.split("."))
    return re.fullmatch(pattern, key) is not None


def _walk(key: str, queue: str) -> int:
    """The seconds after which the message with `key` comes to `queue`; exactly one way may be open at each step."""
    ladder = delay_ladder()
    bindings = [*ladder.bindings, due_binding(queue), due_binding("send"), due_binding("email.send.extra")]
    waits = {each.name: each.arguments["x-message-ttl"] for each in ladder.queues}
    ways_down = {policy.queue: policy.definition["dead-letter-exchange"] for policy in ladder.policies}
    place, waited = wire.DELAY, 0
    while True:
        [way] = [binding for binding in bindings if binding.source == place and _takes(binding, key)]
        if way.to_exchange:
            place = way.destination
        elif way.destination == queue:
            return waited // 1000
        else:
            waited += waits[way.destination]
            place = ways_down[way.destination]


@pytest.mark.parametrize("seconds", [1, 2, 3, 5, 10, 59, 60, 3600, 86_399, 2**19, 2**20 - 1])
def test_a_walk_takes_exactly_its_wait_and_ends_in_its_queue(seconds: int) -> None:
    key = walk_key(timedelta(seconds=seconds), "email.send")

    assert _walk(key, "email.send") == seconds


def test_a_queue_with_many_dots_is_found_again() -> None:
    key = walk_key(timedelta(seconds=6), "email.on.user.password_reset_requested")

    assert _walk(key, "email.on.user.password_reset_requested") == 6


def test_a_part_of_a_second_is_rounded_up() -> None:
    assert walk_key(timedelta(milliseconds=1), "q") == walk_key(timedelta(seconds=1), "q")


@pytest.mark.parametrize("wait", [timedelta(0), timedelta(seconds=-1), LONGEST_WAIT + timedelta(seconds=1)])
def test_a_wait_that_the_ladder_does_not_hold_is_refused(wait: timedelta) -> None:
    with pytest.raises(ValueError, match="from 1 to 1048575 seconds"):
        walk_key(wait, "q")
