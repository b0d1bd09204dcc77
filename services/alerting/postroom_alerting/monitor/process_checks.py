"""Checks of what processes send in heartbeats: providers that are away, schedulers that are late or silent."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from postroom.durations import rough_duration
from postroom.installation import belongs_here
from postroom_alerting.classification import IncidentSeverity
from postroom_alerting.incidents.conditions import Condition
from postroom_alerting.monitor.findings import Finding, count_text
from postroom_alerting.monitor.heartbeats import CIRCUIT, SCHEDULER, Heartbeat

CIRCUIT_OPEN = "circuit-open"
LATE = "scheduler-late"
SILENT = "scheduler-silent"

HEARTBEAT_TIMEOUT = timedelta(seconds=150)
"""A process sends a heartbeat once a minute: one that has sent none for so long is gone."""


def check_circuits(
    heartbeats: Sequence[Heartbeat], now: datetime, complete_since: datetime, lasting: Collection[str]
) -> Iterator[Finding]:
    """One finding for each service that has sent heartbeats of its provider's circuit.

    There is none when its heartbeats may not have reached us: they have all been received since `complete_since`.
    `lasting` are the sources with open conditions; heartbeats of a service among them may have been deleted since.
    """
    by_service: dict[str, list[Heartbeat]] = defaultdict(list)
    for each in heartbeats:
        if each.topic == CIRCUIT:
            by_service[each.service].append(each)
    prefix = f"{CIRCUIT_OPEN} "
    for service in sorted({*by_service, *(each.removeprefix(prefix) for each in lasting if each.startswith(prefix))}):
        own = by_service.get(service, [])
        still_open = [each for each in own if each.is_open and now - each.received_at < HEARTBEAT_TIMEOUT]
        if still_open:
            yield Finding(f"{CIRCUIT_OPEN} {service}", [_open_circuit(service, still_open, now)])
        elif (own and not any(each.is_open for each in own)) or now - complete_since >= HEARTBEAT_TIMEOUT:
            yield Finding(f"{CIRCUIT_OPEN} {service}")


def check_schedulers(
    heartbeats: Sequence[Heartbeat], now: datetime, complete_since: datetime, late_after: timedelta
) -> Iterator[Finding]:
    """Whether a scheduler runs and is in time, by the latest figures.

    Without any heartbeat none is expected to run, nor where POSTROOM_SERVICES does not name it.
    """
    own = [each for each in heartbeats if each.topic == SCHEDULER and belongs_here(SCHEDULER)]
    if not own:
        yield from (Finding(SILENT), Finding(LATE))
        return
    newest = max(own, key=lambda each: each.received_at)
    silence = now - max(newest.received_at, complete_since)
    if now - newest.received_at < HEARTBEAT_TIMEOUT:
        yield Finding(SILENT)
        is_late = newest.late_seconds >= late_after.total_seconds()
        yield Finding(LATE, [_late_scheduler(newest)] if is_late else [])
    elif silence >= HEARTBEAT_TIMEOUT:
        yield Finding(SILENT, [_silent_scheduler(newest, now)])


def _open_circuit(service: str, still_open: Sequence[Heartbeat], now: datetime) -> Condition:
    first = min(still_open, key=lambda each: each.since)
    lasts = now - first.since
    away = f"has been away for {rough_duration(lasts)}" if lasts >= timedelta(minutes=1) else "is away"
    return Condition(
        key=f"{CIRCUIT_OPEN} {service}",
        kind=CIRCUIT_OPEN,
        subject=service,
        severity=IncidentSeverity.WARNING,
        text=f"the provider of {service} {away}: {first.reason}{_by_how_many(still_open)}",
        advice="Nothing is lost and no attempt is used: its messages wait, and go on by themselves",
        since=first.since,
    )


def _by_how_many(still_open: Sequence[Heartbeat]) -> str:
    return f" (say {len(still_open)} processes)" if len(still_open) > 1 else ""


def _late_scheduler(newest: Heartbeat) -> Condition:
    late = timedelta(seconds=newest.late_seconds)
    return Condition(
        key=LATE,
        kind=LATE,
        subject=SCHEDULER,
        severity=IncidentSeverity.CRITICAL,
        text=f"the oldest of {count_text(newest.due, 'tick')} has waited {rough_duration(late)} to be published",
        advice="What does the scheduler's /readyz say? The ticks are in its database and are published later",
        since=newest.since - late,
    )


def _silent_scheduler(newest: Heartbeat, now: datetime) -> Condition:
    return Condition(
        key=SILENT,
        kind=SILENT,
        subject=SCHEDULER,
        severity=IncidentSeverity.CRITICAL,
        text=f"no scheduler has sent a heartbeat for {rough_duration(now - newest.received_at)}: nothing fires",
        advice="Start it: what is due meanwhile is published then, as its catch_up says. If none shall run here any "
        "more: postroom alerts resolve",
        since=newest.received_at,
    )
