"""Which ticks are owed after a downtime, and what they publish."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postroom.wire.messages import SetSchedule
from postroom_scheduler.errors import BrokenSchedule
from postroom_scheduler.messages import body_of, check_message, headers_of, message_id_of
from postroom_scheduler.planning import TickPlan, definition_of, due_at, plan, read_definition

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


def schedule(**fields: Any) -> SetSchedule:
    return SetSchedule.model_validate({"name": "test", "event": "test.happened", "cron": "@hourly", **fields})


def planned(next_at: datetime, now: datetime = NOW, **fields: Any) -> TickPlan:
    return plan(read_definition(definition_of(schedule(**fields))), next_at, now)


@pytest.mark.parametrize(
    ("fields", "hours"),
    [
        ({"catch_up": "skip"}, []),
        ({"catch_up": "latest"}, [12]),
        ({"catch_up": "all", "catch_up_limit": 5}, [8, 9, 10, 11, 12]),
    ],
)
def test_after_a_day_of_downtime(fields: dict[str, Any], hours: list[int]) -> None:
    found = planned(NOW.replace(minute=0) - timedelta(days=1), **fields)
    assert [moment.hour for moment in found.fire_times] == hours
    assert found.next_at == NOW.replace(hour=13, minute=0)
    assert found.missed_until is not None


@pytest.mark.parametrize("catch_up", ["skip", "latest", "all"])
def test_a_tick_that_is_a_little_late_was_not_missed(catch_up: str) -> None:
    found = planned(NOW.replace(minute=0), NOW.replace(minute=0, second=59), catch_up=catch_up)
    assert found == TickPlan([NOW.replace(minute=0)], NOW.replace(hour=13, minute=0))


def test_all_within_the_limit_leaves_nothing_out() -> None:
    found = planned(NOW.replace(minute=0) - timedelta(hours=3), catch_up="all")
    assert [moment.hour for moment in found.fire_times] == [9, 10, 11, 12]
    assert found.missed_until is None


def test_many_ticks_are_written_some_at_a_time_and_none_is_left_out() -> None:
    now, moments = NOW, []
    next_at: datetime | None = now - timedelta(seconds=700)
    while next_at is not None and next_at <= now:
        found = planned(next_at, now, cron="* * * * * *", catch_up="all", catch_up_limit=10_000)
        moments += found.fire_times
        next_at = found.next_at
    assert moments == [NOW - timedelta(seconds=seconds) for seconds in range(700, -1, -1)]


def test_jitter_is_the_same_in_every_scheduler_and_spreads_the_ticks() -> None:
    jittery = schedule(jitter="10m")
    waits = {due_at(jittery, NOW + timedelta(hours=hour)) - NOW - timedelta(hours=hour) for hour in range(50)}
    assert due_at(jittery, NOW) == due_at(schedule(jitter="10m"), NOW)
    assert len(waits) == 50
    assert all(timedelta(0) <= wait < timedelta(minutes=10) for wait in waits)


def test_the_body_may_name_the_tick() -> None:
    body = {"from": "{{ last_fire_time }}", "to": "{{fire_time}}", "list": ["by {{ schedule }}", 7]}
    assert body_of(schedule(body=body), NOW, NOW - timedelta(days=1)) == {
        "from": "2026-11-23T12:30:00Z",
        "to": "2026-11-24T12:30:00Z",
        "list": ["by test", 7],
    }


def test_the_headers_say_which_tick_it_is_and_carry_the_options() -> None:
    options = {"attempts": 3, "expires_after": "1h"}
    assert headers_of(schedule(headers={"tenant": "a"}, options=options), NOW) == {
        "tenant": "a",
        "attempts": 3,
        "expires-at": "2026-11-24T13:30:00Z",
        "x-schedule": "test",
        "x-fire-time": "2026-11-24T12:30:00Z",
    }
    assert message_id_of("test", NOW) == "test@2026-11-24T12:30:00Z"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"body": {"x": "{{ moon }}"}}, "there is no {{ moon }}"),
        ({"event": None, "job": "report.generate", "body": {}}, "no report.generate: type: Field required"),
        ({"body": {"x": "y" * 300_000}}, "262144 bytes"),
    ],
)
def test_what_would_be_a_dead_letter_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(BrokenSchedule) as error:
        check_message(schedule(**fields), NOW)
    assert says in str(error.value)
