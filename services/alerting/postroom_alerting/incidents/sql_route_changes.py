"""After a start with changed rules: the receivers of all incidents are brought to the new routes."""

from collections import defaultdict
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, update

from postroom_alerting.classification import IncidentType
from postroom_alerting.incidents.sql_lifecycle import OPEN, incidents, lock_incidents
from postroom_alerting.incidents.sql_receivers import (
    Receivers,
    add_receivers,
    is_state,
    notification_states,
    receivers_of,
)
from postroom_alerting.rules.routes import Rules
from postroom_alerting.sql_dialects import utc


def reroute_incidents(connection: Connection, rules: Rules) -> None:
    """Make the receivers of each incident those that `rules` name. What is right already is not written.

    A channel that is new to an open incident is notified of it. A channel that is no longer named is not notified of
    anything more, not even that the incident was resolved.
    """
    lock_incidents(connection)
    states = defaultdict(list)
    for state in connection.execute(notification_states.select()):
        states[state.incident_key].append(state)
    for incident in connection.execute(incidents.select()).all():
        route = rules.route(IncidentType(incident.about), incident.name, incident.what)
        missing = receivers_of(route, incident.opened_at)
        for state in states[incident.key]:
            _correct(connection, state, missing, route.interval)
        if incident.state == OPEN:
            notified_count = incident.total - incident.unsettled
            add_receivers(connection, incident.key, missing, notified_count=notified_count)


def _correct(connection: Connection, state: Row[Any], missing: Receivers, interval: timedelta) -> None:
    """Delete or update one row, and remove its receiver from `missing`."""
    receiver = (state.channel, state.role)
    is_row = is_state(state.incident_key, state.channel, state.role)
    if receiver not in missing:
        connection.execute(delete(notification_states).where(is_row))
        return
    right = {"due_at": missing.pop(receiver)}
    if state.notified_at:
        next_at = utc(state.notified_at) + interval
        quiet_until = min(utc(state.quiet_until), next_at) if state.quiet_until else None
        right |= {"next_at": next_at, "quiet_until": quiet_until}
    present = {name: value and utc(value) for name, value in state._mapping.items() if name in right}
    if present != right:
        connection.execute(update(notification_states).where(is_row).values(right))
