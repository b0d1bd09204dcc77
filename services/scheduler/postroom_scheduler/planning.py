"""Which ticks a schedule owes by now, and where it goes on: no I/O, the same answer in every scheduler."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import orjson

from postroom.wire.messages import DeferJob, SetSchedule
from postroom_scheduler.messages import message_id_of
from postroom_scheduler.timing import Timing, fire_times, latest_fire_times, make_timing

MISSED_AFTER = timedelta(minutes=1)
"""A fire time that is written down later than that was missed, and `catch_up` decides about it."""

AT_ONCE = 500
"""Ticks of one schedule written in one transaction; the rest follows in the next."""


@dataclass(frozen=True, slots=True)
class TickPlan:
    """The fire times to write, in order; the next one after them; and up to where some were left out."""

    fire_times: list[datetime]
    next_at: datetime | None
    missed_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ParsedSchedule:
    """A definition, read."""

    schedule: SetSchedule
    timing: Timing


@lru_cache(maxsize=20_000)
def read_definition(definition: str) -> ParsedSchedule:
    """The schedule of a stored definition. Raises BrokenSchedule, for a newer version may have written it."""
    schedule = SetSchedule.model_validate_json(definition)
    return ParsedSchedule(schedule, make_timing(schedule))


def defer_as_schedule(job: DeferJob) -> SetSchedule:
    """A far job as a schedule with one moment."""
    fields = {"name": "far-job", "at": job.at, "job": job.job, "body": job.body, "catch_up": "all"}
    return SetSchedule.model_validate(fields)


def plan(known: ParsedSchedule, next_at: datetime, now: datetime) -> TickPlan:
    """What is owed of the fire times from `next_at` to `now`."""
    schedule, timing = known.schedule, known.timing
    just_before = next_at - timedelta(microseconds=1)
    limit = now - MISSED_AFTER
    missed: list[datetime] = []
    missed_until = None
    if next_at < limit:
        if allowed := {"skip": 0, "latest": 1, "all": schedule.catch_up_limit}[schedule.catch_up]:
            missed = latest_fire_times(timing, just_before, limit, allowed)
        missed_until = (missed[0] if missed else limit) if not missed or missed[0] > next_at else None
        just_before = limit
    recent: list[datetime] = []
    for moment in fire_times(timing, just_before, now):
        recent.append(moment)
        if len(recent) == AT_ONCE:
            break
    owed = missed + recent
    return TickPlan(owed, timing.next_after(owed[-1] if recent else now), missed_until)


def due_at(schedule: SetSchedule, fire_time: datetime) -> datetime:
    """When a tick is published: at its fire time, later by a share of the jitter that follows from its name."""
    if not schedule.jitter:
        return fire_time
    digest = hashlib.sha256(message_id_of(schedule.name, fire_time).encode()).digest()
    return fire_time + schedule.jitter * (int.from_bytes(digest[:6]) / 2**48)


def definition_of(schedule: SetSchedule) -> str:
    """How a schedule is stored: the same text for the same schedule."""
    return orjson.dumps(schedule.to_wire(), option=orjson.OPT_SORT_KEYS).decode()
