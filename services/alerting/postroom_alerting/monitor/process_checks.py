"""What is wrong by what processes tell of themselves: providers that are away, schedulers that are late or silent."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from postroom_alerting.classification import IncidentSeverity
from postroom_alerting.incidents.conditions import Condition
from postroom_alerting.monitor.findings import Finding, count_text, duration_text
from postroom_alerting.monitor.heartbeats import CIRCUIT, SCHEDULER, Heard

CIRCUIT_OPEN = "circuit-open"
LATE = "scheduler-late"
SILENT = "scheduler-silent"

SILENCE = timedelta(seconds=150)
"""Everybody tells once a minute: who was not heard for so long is gone."""


def circuits(
    heard: Sequence[Heard], now: datetime, listening_since: datetime, lasting: Collection[str]
) -> Iterator[Finding]:
    """One finding per service that has told of its provider. What was not heard because nobody could, stays.

    `lasting` are the sources that saw something wrong before: a service among them may have been forgotten since.
    """
    by_service: dict[str, list[Heard]] = defaultdict(list)
    for each in heard:
        if each.topic == CIRCUIT:
            by_service[each.service].append(each)
    prefix = f"{CIRCUIT_OPEN} "
    for service in sorted({*by_service, *(each.removeprefix(prefix) for each in lasting if each.startswith(prefix))}):
        told = by_service.get(service, [])
        still_open = [each for each in told if each.is_open and now - each.heard_at < SILENCE]
        if still_open:
            yield Finding(f"{CIRCUIT_OPEN} {service}", [_open_circuit(service, still_open, now)])
        elif (told and not any(each.is_open for each in told)) or now - listening_since >= SILENCE:
            yield Finding(f"{CIRCUIT_OPEN} {service}")


def schedulers(
    heard: Sequence[Heard], now: datetime, listening_since: datetime, late_after: timedelta
) -> Iterator[Finding]:
    """Whether schedules fire, by the newest figures. Where no scheduler is known there is nothing to miss."""
    told = [each for each in heard if each.topic == SCHEDULER]
    if not told:
        yield from (Finding(SILENT), Finding(LATE))
        return
    newest = max(told, key=lambda each: each.heard_at)
    silence = now - max(newest.heard_at, listening_since)
    if now - newest.heard_at < SILENCE:
        yield Finding(SILENT)
        is_late = newest.late_seconds >= late_after.total_seconds()
        yield Finding(LATE, [_late_scheduler(newest)] if is_late else [])
    elif silence >= SILENCE:
        yield Finding(SILENT, [_silent_scheduler(newest, now)])


def _open_circuit(service: str, told: Sequence[Heard], now: datetime) -> Condition:
    first = min(told, key=lambda each: each.since)
    lasts = now - first.since
    away = f"has been away for {duration_text(lasts)}" if lasts >= timedelta(minutes=1) else "is away"
    return Condition(
        key=f"{CIRCUIT_OPEN} {service}",
        kind=CIRCUIT_OPEN,
        subject=service,
        severity=IncidentSeverity.WARNING,
        text=f"the provider of {service} {away}: {first.reason}{_by_how_many(told)}",
        advice="Nothing is lost and no attempt is used: its messages wait, and go on by themselves",
        since=first.since,
    )


def _by_how_many(told: Sequence[Heard]) -> str:
    return f" (say {len(told)} processes)" if len(told) > 1 else ""


def _late_scheduler(newest: Heard) -> Condition:
    late = timedelta(seconds=newest.late_seconds)
    return Condition(
        key=LATE,
        kind=LATE,
        subject=SCHEDULER,
        severity=IncidentSeverity.CRITICAL,
        text=f"the oldest of {count_text(newest.due, 'tick')} has waited {duration_text(late)} to be published",
        advice="What does the scheduler's /readyz say? The ticks are in its database and are published later",
        since=newest.since - late,
    )


def _silent_scheduler(newest: Heard, now: datetime) -> Condition:
    return Condition(
        key=SILENT,
        kind=SILENT,
        subject=SCHEDULER,
        severity=IncidentSeverity.CRITICAL,
        text=f"no scheduler has been heard for {duration_text(now - newest.heard_at)}: nothing fires",
        advice="Start it: what is due meanwhile is published then, as its catch_up says. If none shall run here any "
        "more: postroom alerts resolve",
        since=newest.heard_at,
    )
