"""Groups of failures, conditions and routes as JSON has them, for the command line and the read port."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from postroom_alerting.notify.notifications import Concern
from postroom_alerting.notify.wording import holding_queue
from postroom_alerting.rules.routes import About, Route


def described(concern: Concern, mutes: Mapping[str, Any]) -> dict[str, Any]:
    """One as it stands; `mutes` are those of SqlGroups."""
    muted = mutes.get(concern.key)
    state = "resolved" if not concern.is_open else "muted" if muted else "open"
    is_back = concern.is_open and concern.episode > 1
    holds = {"held_in": holding_queue(concern.name)} if concern.about is About.FAILURES else {}
    return asdict(concern) | {"state": state, "came_back": is_back, "muted": muted} | holds


def described_route(route: Route) -> dict[str, Any]:
    """Whom something is told, and how often."""
    return {
        "rule": route.rule,
        "to": route.channels,
        "severity": route.severity,
        "interval_seconds": route.interval.total_seconds(),
        "escalate_after_seconds": route.escalate_after.total_seconds() if route.escalate_after else None,
        "escalate_to": route.escalate_to,
    }
