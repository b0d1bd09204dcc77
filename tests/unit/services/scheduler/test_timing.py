"""When schedules fire, also on the days on which clocks change."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from postroom.wire.messages import SetSchedule
from postroom_scheduler.errors import BrokenSchedule
from postroom_scheduler.expressions import CONSTANTS, parse_cron
from postroom_scheduler.timing import fire_times, latest_fire_times, make_timing

BERLIN, NEW_YORK, LORD_HOWE, KOLKATA = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"


def schedule(**fields: Any) -> SetSchedule:
    return SetSchedule.model_validate({"name": "test", "event": "test.happened", **fields})


def on_day(day: str, zone: str, cron: str) -> list[datetime]:
    """The fire times of one local day, UTC."""
    begin = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
    end = (begin.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=ZoneInfo(zone))
    timing = make_timing(schedule(cron=cron, time_zone=zone))
    tick = timedelta(microseconds=1)
    return list(fire_times(timing, begin.astimezone(UTC) - tick, end.astimezone(UTC) - tick))


def local(moment: datetime, zone: str) -> str:
    return moment.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        (BERLIN, "2026-03-28", "2026-03-28T02:30+01:00"),
        (BERLIN, "2026-03-29", "2026-03-29T03:30+02:00"),  # 2:30 does not exist: an hour later
        (BERLIN, "2026-10-25", "2026-10-25T02:30+02:00"),  # 2:30 comes twice: the first one
        (NEW_YORK, "2026-03-08", "2026-03-08T03:30-04:00"),
        (NEW_YORK, "2026-11-01", "2026-11-01T02:30-05:00"),  # there 1:30 comes twice
        (LORD_HOWE, "2026-04-05", "2026-04-05T02:30+10:30"),
        (LORD_HOWE, "2026-10-04", "2026-10-04T02:30+11:00"),  # the first moment after the half hour that is left out
        (KOLKATA, "2026-03-29", "2026-03-29T02:30+05:30"),
        (KOLKATA, "2026-10-25", "2026-10-25T02:30+05:30"),
    ],
)
def test_a_daily_schedule_fires_once_on_a_day_when_clocks_change(zone: str, day: str, expected: str) -> None:
    assert [local(moment, zone) for moment in on_day(day, zone, "30 2 * * *")] == [expected]


@pytest.mark.parametrize(
    ("zone", "day", "cron", "expected"),
    [
        (NEW_YORK, "2026-11-01", "30 1 * * *", "2026-11-01T01:30-04:00"),
        (LORD_HOWE, "2026-04-05", "45 1 * * *", "2026-04-05T01:45+11:00"),
        (LORD_HOWE, "2026-10-04", "15 2 * * *", "2026-10-04T02:45+11:00"),  # half an hour later
        (BERLIN, "2026-10-25", "0 2 * * *", "2026-10-25T02:00+02:00"),
    ],
)
def test_a_time_that_comes_twice_or_never_is_fired_once(zone: str, day: str, cron: str, expected: str) -> None:
    assert [local(moment, zone) for moment in on_day(day, zone, cron)] == [expected]


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, LORD_HOWE, KOLKATA])
def test_a_daily_schedule_fires_once_on_each_of_730_days(zone: str) -> None:
    timing = make_timing(schedule(cron="30 2 * * *", time_zone=zone))
    begin = datetime(2026, 1, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    end = datetime(2028, 1, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    days = [moment.astimezone(ZoneInfo(zone)).date() for moment in fire_times(timing, begin, end)]
    assert len(days) == 730
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(days))


@pytest.mark.parametrize(
    ("zone", "day", "count"),
    [
        (BERLIN, "2026-03-29", 23),
        (BERLIN, "2026-10-25", 25),
        (NEW_YORK, "2026-03-08", 23),
        (NEW_YORK, "2026-11-01", 25),
        (LORD_HOWE, "2026-04-05", 24),  # 24.5 hours: 1:00 comes once, 1:30 twice
        (LORD_HOWE, "2026-10-04", 23),  # 23.5 hours: 2:00 is left out
        (KOLKATA, "2026-03-29", 24),
    ],
)
def test_an_hourly_schedule_fires_at_each_full_hour_there_is(zone: str, day: str, count: int) -> None:
    found = on_day(day, zone, "0 * * * *")
    assert len(found) == len(set(found)) == count


def test_an_interval_is_counted_from_its_start_and_not_by_the_clock_on_the_wall() -> None:
    timing = make_timing(schedule(every="90m", start="2026-03-29T00:00:00", time_zone=BERLIN))
    first, second, third, *_ = fire_times(timing, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 30, tzinfo=UTC))
    assert local(first, BERLIN) == "2026-03-29T00:00+01:00"
    assert second - first == third - second == timedelta(minutes=90)


def test_two_schedulers_that_start_at_different_moments_find_the_same_times() -> None:
    timing = make_timing(schedule(every="7m"))
    one, other = datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 1, 59, tzinfo=UTC)
    assert timing.next_after(one) == timing.next_after(other)


def test_start_and_end_are_included() -> None:
    timing = make_timing(schedule(cron="@daily", start="2026-01-02", end="2026-01-04"))
    found = fire_times(timing, datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert [moment.day for moment in found] == [2, 3, 4]


def test_a_moment_without_an_offset_is_of_the_schedules_time_zone() -> None:
    timing = make_timing(schedule(at="2026-12-24T18:00:00", time_zone=BERLIN))
    found = timing.next_after(datetime(2026, 1, 1, tzinfo=UTC))
    assert found == datetime(2026, 12, 24, 17, tzinfo=UTC)
    assert timing.next_after(found) is None


def test_a_day_of_the_month_and_a_weekday_both_count() -> None:
    timing = make_timing(schedule(cron="0 0 13 * fri"))
    found = fire_times(timing, datetime(2026, 10, 31, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))
    assert [moment.day for moment in found] == [6, 13, 20]


@pytest.mark.parametrize(
    ("days", "expected"), [("0", [6]), ("7", [6]), ("sun", [6]), ("1-5", [0, 1, 2, 3, 4]), ("fri-sun", [4, 5, 6])]
)
def test_weekdays_are_crons(days: str, expected: list[int]) -> None:
    timing = make_timing(schedule(cron=f"0 0 * * {days}"))
    found = fire_times(timing, datetime(2026, 11, 22, 12, tzinfo=UTC), datetime(2026, 11, 29, 12, tzinfo=UTC))
    assert sorted(moment.weekday() for moment in found) == expected


@pytest.mark.parametrize("name", [*CONSTANTS, "@yearly", "@monthly", "@weekly", "@daily", "@hourly", "@every 15m"])
def test_every_name_is_a_time(name: str) -> None:
    parse_cron(name)
    assert make_timing(schedule(cron=name)).next_after(datetime(2026, 1, 1, tzinfo=UTC)) is not None


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"cron": "61 * * * *"}, "cron: "),
        ({"cron": "* * *"}, "3 fields"),
        ({"cron": "0 0 * * 9"}, "no weekday"),
        ({"cron": "@every soon"}, "write 30s"),
        ({"cron": "@daily", "time_zone": "Europe/Nowhere"}, "time_zone: there is no 'Europe/Nowhere'"),
        ({"cron": "@daily", "time_zone": "../../etc/passwd"}, "time_zone: "),
    ],
)
def test_what_cannot_be_meant_names_its_field(fields: dict[str, str], says: str) -> None:
    with pytest.raises(BrokenSchedule) as error:
        make_timing(schedule(**fields))
    assert says in str(error.value)


def test_the_latest_of_ten_years_of_seconds_are_found_without_going_through_them() -> None:
    timing = make_timing(schedule(cron="* * * * * *"))
    until = datetime(2026, 1, 1, tzinfo=UTC)
    found = latest_fire_times(timing, datetime(2016, 1, 1, tzinfo=UTC), until, 5)
    assert found == [until - timedelta(seconds=seconds) for seconds in (4, 3, 2, 1, 0)]
