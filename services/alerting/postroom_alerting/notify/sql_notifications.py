"""What each channel has been told, in the service's database."""

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
from postroom_alerting.incidents.sql_receivers import ESCALATION, is_state
from postroom_alerting.incidents.sql_receivers import notification_states as states
from postroom_alerting.incidents.sql_route_changes import reroute_incidents
from postroom_alerting.models import ChannelRow, FailureGroupRow, LoneMessageRow, table_of
from postroom_alerting.notify.notifications import Alert, Item, News
from postroom_alerting.notify.sql_due_notifications import due_alone, due_together, is_free
from postroom_alerting.rules.routes import Rules
from postroom_alerting.sql_dialects import insert_into, utc

_channels = table_of(ChannelRow)
_groups = table_of(FailureGroupRow)
_lone_messages = table_of(LoneMessageRow)

MOST_ALONE = 10
"""Messages about one incident each, per channel and BURST; what happens beyond that is told in a digest."""

BURST = timedelta(minutes=15)
LONGEST_WAIT = timedelta(minutes=3)
"""How long what happens in a burst may have to wait for the next digest, whatever the rules say of digests."""

LONGEST_LEAD = timedelta(minutes=1)
"""How much before its interval is over a group may be in a digest that goes out anyway."""


class SqlNewsLog:
    """NewsLog with one short transaction per call; safe with any number of replicas."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self._rules = rules
        self._is_readdressed = False

    async def claim(self, channel: str, now: datetime, *, lease: timedelta) -> Alert | None:
        """See NewsLog. The first claim brings to the rules what was addressed by those of an earlier process."""
        if not self._is_readdressed:
            await self._database.run(lambda connection: reroute_incidents(connection, self._rules))
            self._is_readdressed = True
        return await self._database.run(lambda connection: self._claim(connection, channel, now, now + lease))

    async def told(self, alert: Alert, now: datetime) -> None:
        """See NewsLog."""
        await self._database.run(lambda connection: _told(connection, alert, now))

    async def put_off(self, alert: Alert, until: datetime) -> None:
        """See NewsLog."""
        table = _channels if alert.is_digest else states
        later = {"tries": alert.tries + 1, "held_by": None, "held_until": until}
        statement = update(table).where(table.c.held_by == alert.token).values(later)
        await self._database.run(lambda connection: connection.execute(statement))

    def _claim(self, connection: Connection, channel: str, now: datetime, until: datetime) -> Alert | None:
        lately = (_lone_messages.c.channel == channel, _lone_messages.c.at > now - BURST)
        told_alone = connection.execute(select(func.count()).where(*lately)).scalar_one()
        is_burst = told_alone >= MOST_ALONE
        alone = None if is_burst else self._claim_one(connection, channel, now, until)
        return alone or self._claim_digest(connection, channel, now, until, is_burst=is_burst)

    def _claim_one(self, connection: Connection, channel: str, now: datetime, until: datetime) -> Alert | None:
        for row in connection.execute(due_alone(channel, now)).all():
            token = str(uuid.uuid4())
            # The same conditions again: of two replicas that read the row as due, one changes it.
            unchanged = and_(
                states.c.told_episode == row.told_episode,
                states.c.told_state == row.told_state,
            )
            claimed = connection.execute(
                update(states)
                .where(is_state(row), unchanged, is_free(states, now))
                .values(held_by=token, held_until=until)
            )
            if claimed.rowcount:
                return Alert(channel, (self._item(connection, row, now),), False, row.tries, token)
        return None

    def _claim_digest(
        self, connection: Connection, channel: str, now: datetime, until: datetime, *, is_burst: bool
    ) -> Alert | None:
        # What is nearly due comes along, or two groups that were told one after the other would make two digests.
        soon = now + min(LONGEST_LEAD, self._rules.digest / 4)
        rows = connection.execute(due_together(channel, now, soon, is_burst=is_burst)).all()
        if not any(_is_change(row) or row.next_at is None or utc(row.next_at) <= now for row in rows):
            return None
        connection.execute(insert_into(connection, _channels).values(channel=channel, tries=0).on_conflict_do_nothing())
        token, of_channel = str(uuid.uuid4()), _channels.c.channel == channel
        is_time = or_(_channels.c.digest_at.is_(None), _channels.c.digest_at <= now - self._pause(rows))
        claimed = connection.execute(
            update(_channels)
            .where(of_channel, is_time, is_free(_channels, now))
            .values(held_by=token, held_until=until)
            .returning(_channels.c.tries)
        ).first()
        if claimed is None:
            return None
        return Alert(channel, tuple(self._item(connection, row, now) for row in rows), True, claimed.tries, token)

    def _pause(self, rows: Sequence[Row[Any]]) -> timedelta:
        """From the last digest to one of these: none for what nobody looked after in time."""
        if any(row.role == ESCALATION and row.state == OPEN for row in rows):
            return timedelta()
        return min(self._rules.digest, LONGEST_WAIT) if any(map(_is_change, rows)) else self._rules.digest

    def _item(self, connection: Connection, row: Row[Any], now: datetime) -> Item:
        route = self._rules.route(IncidentType(row.about), row.name, row.what)
        incident = read_incident(connection, row, self._rules, now)
        since = utc(row.told_at) if row.told_at else incident.first_at
        new = max(row.total - row.told_count, 0)
        quiet_until = _quiet_until(row.quiet_until, now, route.interval)
        return Item(incident, _news(row, incident), new, since, route.interval, row.role, quiet_until)


def _is_change(row: Row[Any]) -> bool:
    """Whether a row that is due is more than more of the same."""
    return bool(row.state != OPEN or row.told_episode < row.episode)


def _quiet_until(before: datetime | None, now: datetime, interval: timedelta) -> datetime:
    """A incident may open and end twice at once; then there is one message in each interval.

    Each message moves the time on by an interval, from two intervals ago at the earliest: the fourth makes it future.
    """
    earliest = now - 2 * interval
    return max(utc(before) + interval, earliest) if before else earliest


def _news(row: Row[Any], incident: Incident) -> News:
    if not incident.is_open:
        return News.RESOLVED if incident.about is IncidentType.FAILURES else News.CLEARED
    if row.told_episode == row.episode:
        return News.MORE
    if row.role == ESCALATION:
        return News.ESCALATED
    return News.CAME_BACK if row.episode > 1 else News.NEW


def _told(connection: Connection, alert: Alert, now: datetime) -> None:
    if alert.is_digest:
        released = {"digest_at": now, "tries": 0, "held_by": None, "held_until": None}
        settled = connection.execute(update(_channels).where(_channels.c.held_by == alert.token).values(released))
        if not settled.rowcount:  # somebody else has taken it over, and tells it too
            return
    else:
        _count_message(connection, alert, now)
    for item in alert.items:
        incident = item.incident
        values = {
            "told_episode": incident.episode,
            "told_state": OPEN if incident.is_open else RESOLVED,
            "told_count": incident.total,
            "told_at": now,
            "next_at": now + item.interval,
            "quiet_until": item.quiet_until,
        }
        of_item = and_(
            states.c.cause == incident.key,
            states.c.channel == alert.channel,
            states.c.role == item.role,
        )
        if not alert.is_digest:
            values |= {"tries": 0, "held_by": None, "held_until": None}
            of_item = and_(of_item, states.c.held_by == alert.token)
        connection.execute(update(states).where(of_item).values(values))
        connection.execute(update(_groups).where(_groups.c.cause == incident.key).values(notified_at=now))


def _count_message(connection: Connection, alert: Alert, now: datetime) -> None:
    row = {"token": alert.token, "channel": alert.channel, "at": now}
    connection.execute(insert_into(connection, _lone_messages).values(row).on_conflict_do_nothing())
    is_old = and_(_lone_messages.c.channel == alert.channel, _lone_messages.c.at <= now - BURST)
    connection.execute(delete(_lone_messages).where(is_old))
