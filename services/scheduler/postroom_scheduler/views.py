"""Schedules and ticks as JSON, for the command line and the HTTP API."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from postroom.wire.messages import DeferJob, SetSchedule
from postroom.wire.messages.schedule import rfc3339
from postroom_scheduler.sql_schedules import ScheduleStatus, TickStatus
from postroom_scheduler.timing import make_timing


def upcoming(schedule: SetSchedule, now: datetime) -> Iterator[datetime]:
    """The coming fire times, without end where there is none."""
    timing = make_timing(schedule)
    moment = timing.next_after(now)
    while moment is not None:
        yield moment
        moment = timing.next_after(moment)


def described(seen: ScheduleStatus) -> dict[str, Any]:
    """A schedule, and its last tick."""
    definition = seen.definition
    return {
        "name": seen.name,
        "source": seen.source,
        "when": _when(definition),
        "kind": definition.job if isinstance(definition, DeferJob) else definition.job or definition.event,
        "paused": seen.is_paused,
        "next": None if seen.is_paused or seen.next_at is None else rfc3339(seen.next_at),
        "last": described_tick(seen.last) if seen.last else None,
        "changed_at": rfc3339(seen.changed_at),
        "changed_by": seen.changed_by,
        "definition": definition.to_wire(),
    }


def described_tick(tick: TickStatus) -> dict[str, Any]:
    """A tick and what became of it."""
    return {
        "fire_time": rfc3339(tick.fire_time),
        "state": tick.state,
        "lateness_seconds": None if tick.lateness_seconds is None else round(tick.lateness_seconds, 3),
        "published_at": tick.published_at and rfc3339(tick.published_at),
        "finished_at": tick.finished_at and rfc3339(tick.finished_at),
        "message_id": tick.message_id,
        "error": tick.error,
    }


def _when(definition: SetSchedule | DeferJob) -> str:
    if isinstance(definition, DeferJob):
        return f"at {rfc3339(definition.at)}"
    zone = "" if definition.time_zone == "UTC" else f" {definition.time_zone}"
    if definition.cron:
        return f"{definition.cron}{zone}"
    return f"every {definition.to_wire()['every']}" if definition.every else f"at {definition.at}{zone}"
