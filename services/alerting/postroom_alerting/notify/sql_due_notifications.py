"""What is due on a channel: the conditions for it, in SQL."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, case, or_, select

from postroom_alerting.incidents.sql_lifecycle import FIRST, OPEN, RESOLVED, concerns, notices
from postroom_alerting.rules.routes import About

SETTLING = timedelta(seconds=30)
"""How long a condition must have been clear to be told as cleared: what watches may disagree for a moment."""

_CANDIDATES = 20  # alerts looked at in one claim, when others claim at the same time
_LARGEST_DIGEST = 500
_MOST_CHANGES = 100  # in one digest: PagerDuty takes 120 events in a minute


def due_alone(channel: str, now: datetime) -> Select[Any]:
    """Changes of state, each of which is worth a message."""
    return (
        _of_channel(channel, now)
        .where(_is_change(now))
        .order_by(notices.c.tries, notices.c.role, concerns.c.opened_at)
        .limit(_CANDIDATES)
    )


def due_together(channel: str, now: datetime, soon: datetime, *, is_burst: bool) -> Select[Any]:
    """More of what was told, that of before `soon` too; in a burst the changes as well, and they come first."""
    more = and_(
        concerns.c.state == OPEN,
        notices.c.role == FIRST,
        notices.c.told_episode == concerns.c.episode,
        notices.c.told_count < concerns.c.total,
        or_(notices.c.next_at.is_(None), notices.c.next_at <= soon),
    )
    return (
        _of_channel(channel, now)
        .where(or_(more, _is_change(now)) if is_burst else more)
        .order_by(case((more, 1), else_=0), notices.c.role, (concerns.c.total - notices.c.told_count).desc())
        .limit(_MOST_CHANGES if is_burst else _LARGEST_DIGEST)
    )


def is_free(table: Any, now: datetime) -> Any:
    """Nobody holds it, or no longer."""
    return or_(table.c.held_until.is_(None), table.c.held_until <= now)


def _of_channel(channel: str, now: datetime) -> Select[Any]:
    is_heard = or_(concerns.c.muted_until.is_(None), concerns.c.muted_until <= now)
    columns = [column for column in notices.c if column.name != "cause"]
    return (
        select(*concerns.c, *columns)
        .join(notices, notices.c.cause == concerns.c.cause)
        .where(notices.c.channel == channel, is_heard, is_free(notices, now))
    )


def _is_change(now: datetime) -> Any:
    """The channel believes another state than there is, and was not told of too many changes lately."""
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
    return and_(or_(opened, is_over), or_(notices.c.quiet_until.is_(None), notices.c.quiet_until <= now))


def _is_told_at_first() -> Any:
    first = notices.alias("first")
    same = (first.c.cause == notices.c.cause, first.c.channel == notices.c.channel, first.c.role == FIRST)
    return select(first.c.cause).where(*same).correlate(notices).exists()
