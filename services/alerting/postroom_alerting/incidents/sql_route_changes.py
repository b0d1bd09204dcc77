"""After a start with other rules: what was addressed by the old ones is brought to the new ones."""

from collections import defaultdict
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, update

from postroom_alerting.incidents.sql_lifecycle import (
    OPEN,
    Places,
    add_notices,
    concerns,
    is_notice,
    lock,
    notices,
    places_of,
    utc,
)
from postroom_alerting.rules.routes import About, Rules


def readdress(connection: Connection, rules: Rules) -> None:
    """Bring all notices to `rules`. Where they are right already, nothing is written.

    A channel that is named now is told of what is open; one that is named no more hears nothing of it, not its end
    either.
    """
    lock(connection)
    addressed = defaultdict(list)
    for notice in connection.execute(notices.select()):
        addressed[notice.cause].append(notice)
    for concern in connection.execute(concerns.select()).all():
        route = rules.route(About(concern.about), concern.name, concern.what)
        missing = places_of(route, concern.opened_at)
        for notice in addressed[concern.cause]:
            _bring(connection, notice, missing, route.interval)
        if concern.state == OPEN:
            add_notices(connection, concern.cause, missing, told_count=concern.total - concern.unsettled)


def _bring(connection: Connection, notice: Row[Any], missing: Places, interval: timedelta) -> None:
    """Delete or correct one notice, and take its place out of what is missing."""
    place = (notice.channel, notice.role)
    if place not in missing:
        connection.execute(delete(notices).where(is_notice(notice)))
        return
    right = {"due_at": missing.pop(place)}
    if notice.told_at:
        next_at = utc(notice.told_at) + interval
        quiet_until = min(utc(notice.quiet_until), next_at) if notice.quiet_until else None
        right |= {"next_at": next_at, "quiet_until": quiet_until}
    held = {name: value and utc(value) for name, value in notice._mapping.items() if name in right}
    if held != right:
        connection.execute(update(notices).where(is_notice(notice)).values(right))
