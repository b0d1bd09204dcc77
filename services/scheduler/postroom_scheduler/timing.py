"""When a schedule fires: a pure function from one moment to the next, the same in every scheduler.

All moments are UTC. APScheduler's triggers find the times of cron expressions; see docs/schedules.md for what
happens to them when the clocks change.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

from postroom.wire.messages import SetSchedule
from postroom_scheduler.errors import BrokenSchedule
from postroom_scheduler.expressions import CronFields, parse_cron, zone_of

TICK = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_LOOK_BACK = timedelta(seconds=64)


class Timing(Protocol):
    """The fire times of one schedule."""

    def next_after(self, moment: datetime) -> datetime | None:
        """The first fire time strictly after `moment`; None when there is none any more."""
        ...


class _Once:
    def __init__(self, at: datetime) -> None:
        self._at = at

    def next_after(self, moment: datetime) -> datetime | None:
        return self._at if self._at > moment else None


class _Interval:
    def __init__(self, every: timedelta, anchor: datetime) -> None:
        self._every = every
        self._anchor = anchor

    def next_after(self, moment: datetime) -> datetime | None:
        return self._anchor + self._every * max(0, (moment - self._anchor) // self._every + 1)


class _Cron:
    """A cron expression in its time zone.

    When clocks go back, an expression with hours of its own fires at the first of the two equal times; one for
    every hour (`*`, `*/2`) fires at both. When they go forward, a time that does not exist is as much later.
    """

    def __init__(self, fields: CronFields, zone: ZoneInfo) -> None:
        triggers = [CronTrigger(timezone=zone, **each) for each in fields.alternatives]
        self._trigger = triggers[0] if len(triggers) == 1 else OrTrigger(triggers)
        self._is_once_a_day = not fields.hour.startswith("*")

    def next_after(self, moment: datetime) -> datetime | None:
        found = self._trigger.get_next_fire_time(None, moment + TICK)
        while found is not None and found.fold and self._is_once_a_day:
            found = self._trigger.get_next_fire_time(None, found.astimezone(UTC) + TICK)
        return found.astimezone(UTC) if found is not None else None


class _Within:
    """The fire times of another timing from `start` to `end`, both included."""

    def __init__(self, timing: Timing, start: datetime | None, end: datetime | None) -> None:
        self._timing = timing
        self._start = start
        self._end = end

    def next_after(self, moment: datetime) -> datetime | None:
        if self._start is not None:
            moment = max(moment, self._start - TICK)
        found = self._timing.next_after(moment)
        return None if found is None or (self._end is not None and found > self._end) else found


def make_timing(schedule: SetSchedule) -> Timing:
    """The timing a schedule asks for. Raises BrokenSchedule naming the field."""
    zone = zone_of(schedule.time_zone)
    start, end = _in_zone(schedule.start, zone), _in_zone(schedule.end, zone)
    timing = _unbounded(schedule, zone, start or EPOCH)
    return timing if start is None and end is None else _Within(timing, start, end)


def _unbounded(schedule: SetSchedule, zone: ZoneInfo, anchor: datetime) -> Timing:
    if schedule.every is not None:
        return _Interval(schedule.every, anchor)
    if schedule.at is not None:
        return _Once(_in_zone(schedule.at, zone) or anchor)
    expression = parse_cron(schedule.cron or "")
    if isinstance(expression, timedelta):
        return _Interval(expression, anchor)
    try:
        return _Cron(expression, zone)
    except ValueError as error:
        raise BrokenSchedule(f"cron: {error}") from None


def _in_zone(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def fire_times(timing: Timing, after: datetime, until: datetime) -> Iterator[datetime]:
    """All fire times later than `after` and not later than `until`, in order."""
    found = timing.next_after(after)
    while found is not None and found <= until:
        yield found
        found = timing.next_after(found)


def latest_fire_times(timing: Timing, after: datetime, until: datetime, limit: int) -> list[datetime]:
    """The last `limit` of those fire times, without going through all of a long time."""
    look_back = FIRST_LOOK_BACK
    while until - look_back > after:
        found = list(fire_times(timing, until - look_back, until))
        if len(found) >= limit:
            return found[-limit:]
        look_back *= 2
    return list(fire_times(timing, after, until))[-limit:]
