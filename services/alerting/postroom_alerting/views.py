"""Incidents and routes as the command line prints them in JSON, and as the read port returns them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from postroom_alerting.classification import IncidentType
from postroom_alerting.incidents.incident import Incident
from postroom_alerting.notify.wording import holding_queue
from postroom_alerting.rules.routes import Route


def described(incident: Incident, silences: Mapping[str, Any]) -> dict[str, Any]:
    """The incident, with its state; `silences` are those of SqlIncidents."""
    muted = silences.get(incident.key)
    state = "resolved" if not incident.is_open else "muted" if muted else "open"
    is_back = incident.is_open and incident.episode > 1
    holds = {"held_in": holding_queue(incident.name)} if incident.about is IncidentType.FAILURES else {}
    return asdict(incident) | {"state": state, "came_back": is_back, "muted": muted} | holds


def described_route(route: Route) -> dict[str, Any]:
    """Which channels a route notifies, and how often."""
    return {
        "rule": route.rule,
        "to": route.channels,
        "severity": route.severity,
        "interval_seconds": route.interval.total_seconds(),
        "escalate_after_seconds": route.escalate_after.total_seconds() if route.escalate_after else None,
        "escalate_to": route.escalate_to,
    }
