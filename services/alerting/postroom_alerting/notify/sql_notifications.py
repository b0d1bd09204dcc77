"""The notification log in the service's database."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, or_, select, update

from postroom.storage.database import Database
from postroom_alerting.classification import IncidentType
from postroom_alerting.incidents.incident import Incident
from postroom_alerting.incidents.sql_lifecycle import OPEN, RESOLVED
from postroom_alerting.incidents.sql_reader import read_incident
from postroom_alerting.incidents.sql_receivers import ESCALATION, is_state, notification_states
from postroom_alerting.incidents.sql_route_changes import reroute_incidents
from postroom_alerting.models import ChannelRow, FailureGroupRow, SingleNotificationRow, table_of
from postroom_alerting.notify.notifications import DueNotification, IncidentUpdate, Reason
from postroom_alerting.notify.sql_due_notifications import due_digest, due_singles, is_unclaimed
from postroom_alerting.rules.routes import Rules
from postroom_alerting.sql_dialects import insert_into, utc

_channels = table_of(ChannelRow)
_groups = table_of(FailureGroupRow)
_singles = table_of(SingleNotificationRow)

MOST_SINGLES = 10
"""Notifications of one incident each, per channel within BURST; further changes go into a digest."""

BURST = timedelta(minutes=15)
LONGEST_WAIT = timedelta(minutes=3)
"""How long a change of state in a burst may wait for the next digest, whatever the rules say of digests."""

LONGEST_LEAD = timedelta(minutes=1)
"""How long before its interval is over an incident may join a digest that is sent anyway."""


class SqlNotificationLog:
    """NotificationLog with one short transaction per call; safe with any number of replicas."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self._rules = rules
        self._is_rerouted = False

    async def claim(self, channel: str, now: datetime, *, lease: timedelta) -> DueNotification | None:
        """See NotificationLog. The first claim brings the receivers of all incidents to the rules of this process."""
        if not self._is_rerouted:
            await self._database.run(lambda connection: reroute_incidents(connection, self._rules))
            self._is_rerouted = True
        return await self._database.run(lambda connection: self._claim(connection, channel, now, now + lease))

    async def mark_sent(self, due: DueNotification, now: datetime) -> None:
        """See NotificationLog."""
        await self._database.run(lambda connection: _mark_sent(connection, due, now))

    async def postpone(self, due: DueNotification, until: datetime) -> None:
        """See NotificationLog."""
        table = _channels if due.is_digest else notification_states
        later = {"tries": due.tries + 1, "claimed_by": None, "claimed_until": until}
        statement = update(table).where(table.c.claimed_by == due.token).values(later)
        await self._database.run(lambda connection: connection.execute(statement))

    def _claim(self, connection: Connection, channel: str, now: datetime, until: datetime) -> DueNotification | None:
        is_recent = (_singles.c.channel == channel, _singles.c.at > now - BURST)
        is_burst = connection.execute(select(func.count()).where(*is_recent)).scalar_one() >= MOST_SINGLES
        single = None if is_burst else self._claim_single(connection, channel, now, until)
        return single or self._claim_digest(connection, channel, now, until, is_burst=is_burst)

    def _claim_single(
        self, connection: Connection, channel: str, now: datetime, until: datetime
    ) -> DueNotification | None:
        states = notification_states.c
        for row in connection.execute(due_singles(channel, now)).all():
            token = str(uuid.uuid4())
            # The same conditions again: of two replicas that read the row as due, one changes it.
            unchanged = and_(
                states.notified_episode == row.notified_episode, states.notified_state == row.notified_state
            )
            claimed = connection.execute(
                update(notification_states)
                .where(is_state(row.key, row.channel, row.role), unchanged, is_unclaimed(notification_states, now))
                .values(claimed_by=token, claimed_until=until)
            )
            if claimed.rowcount:
                return DueNotification(channel, (self._update(connection, row, now),), False, row.tries, token)
        return None

    def _claim_digest(
        self, connection: Connection, channel: str, now: datetime, until: datetime, *, is_burst: bool
    ) -> DueNotification | None:
        # Incidents that are nearly due are included: two that opened one after the other would make two digests.
        soon = now + min(LONGEST_LEAD, self._rules.digest / 4)
        rows = connection.execute(due_digest(channel, now, soon, is_burst=is_burst)).all()
        if not any(_is_changed(row) or row.next_at is None or utc(row.next_at) <= now for row in rows):
            return None
        connection.execute(insert_into(connection, _channels).values(channel=channel, tries=0).on_conflict_do_nothing())
        token = str(uuid.uuid4())
        is_time = or_(_channels.c.digest_at.is_(None), _channels.c.digest_at <= now - self._pause(rows))
        claimed = connection.execute(
            update(_channels)
            .where(_channels.c.channel == channel, is_time, is_unclaimed(_channels, now))
            .values(claimed_by=token, claimed_until=until)
            .returning(_channels.c.tries)
        ).first()
        if claimed is None:
            return None
        updates = tuple(self._update(connection, row, now) for row in rows)
        return DueNotification(channel, updates, True, claimed.tries, token)

    def _pause(self, rows: Sequence[Row[Any]]) -> timedelta:
        """The time that must have passed since the last digest: none for an escalation."""
        if any(row.role == ESCALATION and row.state == OPEN for row in rows):
            return timedelta()
        return min(self._rules.digest, LONGEST_WAIT) if any(map(_is_changed, rows)) else self._rules.digest

    def _update(self, connection: Connection, row: Row[Any], now: datetime) -> IncidentUpdate:
        route = self._rules.route(IncidentType(row.about), row.name, row.what)
        incident = read_incident(connection, row, self._rules, now)
        return IncidentUpdate(
            incident=incident,
            reason=_reason(row, incident),
            new=max(row.total - row.notified_count, 0),
            since=utc(row.notified_at) if row.notified_at else incident.first_at,
            interval=route.interval,
            role=row.role,
            quiet_until=_quiet_until(row.quiet_until, now, route.interval),
        )


def _is_changed(row: Row[Any]) -> bool:
    """Whether a row that is due is a change of state, and not only more deaths."""
    return bool(row.state != OPEN or row.notified_episode < row.episode)


def _quiet_until(before: datetime | None, now: datetime, interval: timedelta) -> datetime:
    """When the channel may be notified of the next change of state: an incident may come and go.

    Each notification moves this time on by one interval, starting two intervals ago at the earliest. So after the first
    four, which are two beginnings and two ends, it is in the future.
    """
    earliest = now - 2 * interval
    return max(utc(before) + interval, earliest) if before else earliest


def _reason(row: Row[Any], incident: Incident) -> Reason:
    if not incident.is_open:
        is_group = incident.about is IncidentType.FAILURES
        return Reason.RESOLVED if is_group else Reason.CLEARED
    if row.notified_episode == row.episode:
        return Reason.MORE
    if row.role == ESCALATION:
        return Reason.ESCALATED
    return Reason.CAME_BACK if row.episode > 1 else Reason.NEW


def _mark_sent(connection: Connection, due: DueNotification, now: datetime) -> None:
    if due.is_digest:
        released = {"digest_at": now, "tries": 0, "claimed_by": None, "claimed_until": None}
        marked = connection.execute(update(_channels).where(_channels.c.claimed_by == due.token).values(released))
        if not marked.rowcount:  # another process has claimed it meanwhile, and sends it too
            return
    else:
        _count_single(connection, due, now)
    for each in due.updates:
        _store_state(connection, due, each, now)
        of_group = _groups.c.cause == each.incident.key
        connection.execute(update(_groups).where(of_group).values(notified_at=now))


def _store_state(connection: Connection, due: DueNotification, sent: IncidentUpdate, now: datetime) -> None:
    states = notification_states.c
    values: dict[str, Any] = {
        "notified_episode": sent.incident.episode,
        "notified_state": OPEN if sent.incident.is_open else RESOLVED,
        "notified_count": sent.incident.total,
        "notified_at": now,
        "next_at": now + sent.interval,
        "quiet_until": sent.quiet_until,
    }
    selected = [is_state(sent.incident.key, due.channel, sent.role)]
    if not due.is_digest:
        values |= {"tries": 0, "claimed_by": None, "claimed_until": None}
        selected.append(states.claimed_by == due.token)
    connection.execute(update(notification_states).where(*selected).values(values))


def _count_single(connection: Connection, due: DueNotification, now: datetime) -> None:
    row = {"token": due.token, "channel": due.channel, "at": now}
    connection.execute(insert_into(connection, _singles).values(row).on_conflict_do_nothing())
    is_old = and_(_singles.c.channel == due.channel, _singles.c.at <= now - BURST)
    connection.execute(delete(_singles).where(is_old))
