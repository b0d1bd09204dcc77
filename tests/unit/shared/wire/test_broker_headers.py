"""What of the broker's headers goes along with a copy."""

from typing import Any

import pytest

from postroom.wire.broker_headers import deaths_of, headers_anew, headers_as_dead

OURS = {"tenant": "acme", "x-attempt": 2, "delay-seconds": 5, "x-deliver-by": "noon", "cc": "a name of the publisher's"}
RECORDS = {
    "x-death": [{"queue": "email.send", "count": 1}],
    "x-first-death-queue": "email.send",
    "x-first-death-reason": "rejected",
    "x-last-death-exchange": "jobs",
}
OF_ONE_QUEUE = {"x-delivery-count": 3, "x-acquired-count": 4, "x-opt-delivery-time": 1}
ROUTING = {"CC": ["elsewhere"], "BCC": ["elsewhere"]}


def test_a_message_that_begins_anew_carries_only_what_is_its_publisher_s_and_ours() -> None:
    assert headers_anew({**RECORDS, **OURS, **OF_ONE_QUEUE, **ROUTING}) == OURS


def test_a_message_that_is_moved_as_what_it_is_keeps_the_records_of_its_deaths() -> None:
    assert headers_as_dead({**RECORDS, **OURS, **OF_ONE_QUEUE, **ROUTING}) == {**RECORDS, **OURS}


@pytest.mark.parametrize(
    ("value", "records"),
    [
        (None, []),
        ("x", []),
        ({"queue": "q"}, []),
        ([7, None, {"queue": "q"}, "x"], [{"queue": "q"}]),
        ([{"queue": "new"}, {"queue": "old"}], [{"queue": "new"}, {"queue": "old"}]),
    ],
)
def test_of_whatever_stands_under_x_death_only_tables_are_records(value: Any, records: list[Any]) -> None:
    assert deaths_of({"x-death": value}) == records
    assert deaths_of({}) == []
