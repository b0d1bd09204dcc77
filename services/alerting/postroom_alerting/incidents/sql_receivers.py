"""The receivers of an incident: one row for each channel that is to be notified of it, by the rules."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_

from postroom_alerting.models import NotificationStateRow, table_of
from postroom_alerting.rules.routes import Route
from postroom_alerting.sql_dialects import insert_into, utc

FIRST, ESCALATION = "first", "escalation"
"""Roles of a receiver: notified at once, or when the incident is still open after the rule's time."""

notification_states = table_of(NotificationStateRow)

Receivers = dict[tuple[str, str], datetime | None]
"""By channel and role: when the first notification is due; None for at once."""


def receivers_of(route: Route, opened_at: datetime) -> Receivers:
    """The receivers of an incident that opened at `opened_at`."""
    receivers: Receivers = {(channel, FIRST): None for channel in route.channels}
    if route.escalate_after is not None:
        due_at = utc(opened_at) + route.escalate_after
        receivers |= {(channel, ESCALATION): due_at for channel in route.escalate_to}
    return receivers


def add_receivers(connection: Connection, incident_key: str, receivers: Receivers, *, notified_count: int) -> None:
    """Insert the missing rows, as if notified of `notified_count` deaths, and update when each escalation is due."""
    keys = ["incident_key", "channel", "role"]
    common = {
        "incident_key": incident_key,
        "notified_episode": 0,
        "notified_state": "",
        "notified_count": notified_count,
        "tries": 0,
    }
    for (channel, role), due_at in receivers.items():
        row = common | {"channel": channel, "role": role, "due_at": due_at}
        statement = insert_into(connection, notification_states).values(row)
        if due_at is None:
            connection.execute(statement.on_conflict_do_nothing())
        else:
            connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={"due_at": due_at}))


def is_state(incident_key: str, channel: str, role: str) -> Any:
    """Whether a row is the notification state of that incident and receiver."""
    states = notification_states.c
    return and_(states.incident_key == incident_key, states.channel == channel, states.role == role)
