"""What people write for times: cron fields, aliases, constants, names of time zones."""

import re
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import TypeAdapter, ValidationError

from postroom.durations import Duration
from postroom_scheduler.errors import BrokenSchedule

ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

CONSTANTS = {
    "EVERY_SECOND": "* * * * * *",
    **{f"EVERY_{n}_SECONDS": f"*/{n} * * * * *" for n in (5, 10, 15, 20, 30)},
    "EVERY_MINUTE": "* * * * *",
    **{f"EVERY_{n}_MINUTES": f"*/{n} * * * *" for n in (2, 5, 10, 15, 20, 30)},
    "EVERY_HOUR": "0 * * * *",
    **{f"EVERY_{n}_HOURS": f"0 */{n} * * *" for n in (2, 3, 4, 6, 8, 12)},
    "EVERY_DAY_AT_MIDNIGHT": "0 0 * * *",
    **{f"EVERY_DAY_AT_{n}AM": f"0 {n} * * *" for n in range(1, 12)},
    "EVERY_DAY_AT_NOON": "0 12 * * *",
    **{f"EVERY_DAY_AT_{n}PM": f"0 {n + 12} * * *" for n in range(1, 12)},
    "EVERY_WEEK": "0 0 * * 0",
    "EVERY_WEEKDAY": "0 0 * * 1-5",
    "EVERY_WEEKEND": "0 0 * * 6,0",
    "EVERY_1ST_DAY_OF_MONTH_AT_MIDNIGHT": "0 0 1 * *",
    "EVERY_QUARTER": "0 0 1 */3 *",
    "EVERY_YEAR": "0 0 1 1 *",
}

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)
_DAY_RANGE = re.compile(r"(\d+|[a-z]{3})(?:-(\d+|[a-z]{3}))?(?:/(\d+))?")


@dataclass(frozen=True, slots=True)
class CronFields:
    """A cron expression as APScheduler takes it; of several `alternatives` each time of any counts."""

    alternatives: tuple[dict[str, str], ...]
    hour: str


def parse_cron(text: str) -> CronFields | timedelta:
    """The fields of an expression, or the interval that `@every` names. Raises BrokenSchedule."""
    text = text.strip()
    if text.startswith("@every "):
        return _interval(text.removeprefix("@every "))
    expression = CONSTANTS.get(text) or ALIASES.get(text.lower()) or text
    fields = expression.lower().split()
    if len(fields) not in {5, 6}:
        raise BrokenSchedule(
            f"cron: {text!r} has {len(fields)} fields; write five (minute hour day month weekday), six with seconds "
            f"first, {', '.join(ALIASES)}, `@every 15m`, or a name like EVERY_DAY_AT_2AM"
        )
    second, minute, hour, day, month, weekday = fields if len(fields) == 6 else ["0", *fields]
    common = {"second": second, "minute": minute, "hour": hour, "month": month}
    day = "last" if day == "l" else day.replace("?", "*")
    weekday = _weekdays(weekday.replace("?", "*"))
    if day.startswith("*") or weekday.startswith("*"):
        return CronFields(({**common, "day": day, "day_of_week": weekday},), hour)
    # Cron's rule: a day of either kind counts.
    return CronFields(({**common, "day": day}, {**common, "day_of_week": weekday}), hour)


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its name. Raises BrokenSchedule."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BrokenSchedule(
            f"time_zone: there is no {name!r}; write a name such as Europe/Berlin, America/New_York or UTC"
        ) from None


def _interval(text: str) -> timedelta:
    try:
        every = _DURATION.validate_python(text.strip())
    except ValidationError:
        every = timedelta(0)
    if every < timedelta(seconds=1):
        raise BrokenSchedule(f"cron: @every {text}: write 30s, 15m, 1h30m, 2d or 1w")
    return every


def _weekdays(text: str) -> str:
    """Days by name, as none of the two ways of numbering them: cron counts from Sunday, APScheduler from Monday."""
    if text.startswith("*") and text in {"*", "*/1"}:
        return "*"
    if text.startswith("*/"):
        text = f"0-6{text[1:]}"
    days: list[str] = []
    for part in text.split(","):
        match = _DAY_RANGE.fullmatch(part)
        if match is None:
            raise BrokenSchedule(f"cron: {part!r} is no weekday; write 0-7 (0 and 7 are Sunday) or mon-sun")
        days += _days(part, match[1], match[2], int(match[3] or 1))
    return ",".join(dict.fromkeys(days))


def _days(part: str, first: str, last: str | None, step: int) -> list[str]:
    begin = _day_number(part, first)
    end = begin if last is None else _day_number(part, last)
    if end < begin:  # fri-mon, and 5-0
        end += 7
    return [DAYS[number % 7] for number in range(begin, end + 1, max(1, step))]


def _day_number(part: str, text: str) -> int:
    number = DAYS.index(text) if text in DAYS else int(text) if text.isdigit() else 8
    if number > 7:
        raise BrokenSchedule(f"cron: {part!r} is no weekday; write 0-7 (0 and 7 are Sunday) or mon-sun")
    return number
