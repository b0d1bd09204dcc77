"""What each channel has been told, in the service's database."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, or_, select, update

from services.alerting.models import ChannelRow, FailureGroupRow, table_of
from services.alerting.news import Alert, Concern, Item, News
from services.alerting.rules import About, Rules
from services.alerting.sql_concerns import ESCALATION, FIRST, OPEN, RESOLVED, concerns, insert_into, notices, utc
from services.alerting.sql_reading import read_concern
from shared.database import Database

_channels = table_of(ChannelRow)
_groups = table_of(FailureGroupRow)

MOST_ALONE = 10
"""Messages about one concern each, per channel and BURST; what opens beyond that is told in a digest."""

BURST = timedelta(minutes=15)
LONGEST_WAIT = timedelta(minutes=3)
"""How long what opens in a burst may have to wait for the next digest, whatever the rules say of digests."""

SETTLING = timedelta(seconds=30)
"""How long a condition must have been clear to be told as cleared: what watches may disagree for a moment."""

LONGEST_LEAD = timedelta(minutes=1)
"""How much before its interval is over a group may be in a digest that goes out anyway."""

_CANDIDATES = 20  # alerts looked at in one claim, when others claim at the same time
_LARGEST_DIGEST = 500


class SqlNewsLog:
    """NewsLog with one short transaction per call; safe with any number of replicas."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self._rules = rules

    async def claim(self, channel: str, now: datetime, *, lease: timedelta) -> Alert | None:
        """See NewsLog."""
        return await self._database.run(lambda connection: self._claim(connection, channel, now, now + lease))

    async def told(self, alert: Alert, now: datetime) -> None:
        """See NewsLog."""
        await self._database.run(lambda connection: _told(connection, alert, now))

    async def put_off(self, alert: Alert, until: datetime) -> None:
        """See NewsLog."""
        table = _channels if alert.is_digest else notices
        later = {"tries": alert.tries + 1, "held_by": None, "held_until": until}
        statement = update(table).where(table.c.held_by == alert.token).values(later)
        await self._database.run(lambda connection: connection.execute(statement))

    def _claim(self, connection: Connection, channel: str, now: datetime, until: datetime) -> Alert | None:
        told_alone = connection.execute(
            select(func.count()).where(notices.c.channel == channel, notices.c.alone_at > now - BURST)
        ).scalar_one()
        is_burst = told_alone >= MOST_ALONE
        alone = None if is_burst else self._claim_one(connection, channel, now, until)
        return alone or self._claim_digest(connection, channel, now, until, is_burst=is_burst)

    def _claim_one(self, connection: Connection, channel: str, now: datetime, until: datetime) -> Alert | None:
        for row in connection.execute(_due_alone(channel, now)).all():
            token = str(uuid.uuid4())
            # The same conditions again: of two replicas that read the row as due, one changes it.
            claimed = connection.execute(
                update(notices)
                .where(_is_row(row), notices.c.told_episode == row.told_episode, _is_free(notices, now))
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
        rows = connection.execute(_due_together(channel, now, soon, is_burst=is_burst)).all()
        if not any(row.next_at is None or utc(row.next_at) <= now for row in rows):
            return None
        connection.execute(insert_into(connection, _channels).values(channel=channel, tries=0).on_conflict_do_nothing())
        token, of_channel = str(uuid.uuid4()), _channels.c.channel == channel
        is_news = any(row.told_episode < row.episode for row in rows)
        pause = min(self._rules.digest, LONGEST_WAIT) if is_news else self._rules.digest
        is_time = or_(_channels.c.digest_at.is_(None), _channels.c.digest_at <= now - pause)
        claimed = connection.execute(
            update(_channels)
            .where(of_channel, is_time, _is_free(_channels, now))
            .values(held_by=token, held_until=until)
            .returning(_channels.c.tries)
        ).first()
        if claimed is None:
            return None
        return Alert(channel, tuple(self._item(connection, row, now) for row in rows), True, claimed.tries, token)

    def _item(self, connection: Connection, row: Row[Any], now: datetime) -> Item:
        route = self._rules.route(About(row.about), row.name, row.what)
        concern = read_concern(connection, row, self._rules, now)
        since = utc(row.told_at) if row.told_at else concern.first_at
        return Item(concern, _news(row, concern), max(row.total - row.told_count, 0), since, route.interval, row.role)


def _due_alone(channel: str, now: datetime) -> Select[Any]:
    opened = and_(
        concerns.c.state == OPEN,
        notices.c.told_episode < concerns.c.episode,
        or_(notices.c.due_at.is_(None), notices.c.due_at <= now),
    )
    is_over = and_(
        concerns.c.state == RESOLVED,
        notices.c.told_state == OPEN,
        or_(concerns.c.about == About.FAILURES, concerns.c.closed_at <= now - SETTLING),
        or_(notices.c.role == FIRST, ~_is_told_at_first()),  # once is enough
    )
    return (
        _of_channel(channel, now)
        .where(or_(opened, is_over), _is_free(notices, now))
        .order_by(notices.c.tries, concerns.c.opened_at)
        .limit(_CANDIDATES)
    )


def _due_together(channel: str, now: datetime, soon: datetime, *, is_burst: bool) -> Select[Any]:
    more = and_(
        notices.c.told_episode == concerns.c.episode,
        notices.c.told_count < concerns.c.total,
        or_(notices.c.next_at.is_(None), notices.c.next_at <= soon),
    )
    opened = notices.c.told_episode < concerns.c.episode
    due = or_(more, opened) if is_burst else more
    return (
        _of_channel(channel, now)
        .where(concerns.c.state == OPEN, notices.c.role == FIRST, due, _is_free(notices, now))
        .order_by((concerns.c.total - notices.c.told_count).desc())
        .limit(_LARGEST_DIGEST)
    )


def _of_channel(channel: str, now: datetime) -> Select[Any]:
    is_heard = or_(concerns.c.muted_until.is_(None), concerns.c.muted_until <= now)
    columns = [column for column in notices.c if column.name != "cause"]
    return (
        select(*concerns.c, *columns)
        .join(notices, notices.c.cause == concerns.c.cause)
        .where(notices.c.channel == channel, is_heard)
    )


def _is_told_at_first() -> Any:
    first = notices.alias("first")
    same = (first.c.cause == notices.c.cause, first.c.channel == notices.c.channel, first.c.role == FIRST)
    return select(first.c.cause).where(*same).correlate(notices).exists()


def _is_row(row: Row[Any]) -> Any:
    return and_(notices.c.cause == row.cause, notices.c.channel == row.channel, notices.c.role == row.role)


def _is_free(table: Any, now: datetime) -> Any:
    return or_(table.c.held_until.is_(None), table.c.held_until <= now)


def _news(row: Row[Any], concern: Concern) -> News:
    if not concern.is_open:
        return News.RESOLVED if concern.about is About.FAILURES else News.CLEARED
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
    for item in alert.items:
        concern = item.concern
        values = {
            "told_episode": concern.episode,
            "told_state": OPEN if concern.is_open else RESOLVED,
            "told_count": concern.total,
            "told_at": now,
            "next_at": now + item.interval,
        }
        of_item = and_(notices.c.cause == concern.key, notices.c.channel == alert.channel, notices.c.role == item.role)
        if not alert.is_digest:
            values |= {"alone_at": now, "tries": 0, "held_by": None, "held_until": None}
            of_item = and_(of_item, notices.c.held_by == alert.token)
        connection.execute(update(notices).where(of_item).values(values))
        connection.execute(update(_groups).where(_groups.c.cause == concern.key).values(notified_at=now))
