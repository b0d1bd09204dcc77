"""What is due on a channel: the conditions for it, in SQL."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, case, or_, select

from postroom_alerting.classification import IncidentType
from postroom_alerting.incidents.sql_conditions import SETTLING
from postroom_alerting.incidents.sql_lifecycle import OPEN, RESOLVED, incidents
from postroom_alerting.incidents.sql_receivers import FIRST
from postroom_alerting.incidents.sql_receivers import notification_states as states

_CANDIDATES = 20  # alerts looked at in one claim, when others claim at the same time
_LARGEST_DIGEST = 500
_MOST_CHANGES = 100  # in one digest: PagerDuty takes 120 events in a minute


def due_alone(channel: str, now: datetime) -> Select[Any]:
    """Changes of state, each of which is worth a message."""
    return (
        _of_channel(channel, now)
        .where(_is_change(now))
        .order_by(states.c.tries, states.c.role, incidents.c.opened_at)
        .limit(_CANDIDATES)
    )


def due_together(channel: str, now: datetime, soon: datetime, *, is_burst: bool) -> Select[Any]:
    """More of what was told, that of before `soon` too; in a burst the changes as well, and they come first."""
    more = and_(
        incidents.c.state == OPEN,
        states.c.role == FIRST,
        states.c.told_episode == incidents.c.episode,
        states.c.told_count < incidents.c.total,
        or_(states.c.next_at.is_(None), states.c.next_at <= soon),
    )
    return (
        _of_channel(channel, now)
        .where(or_(more, _is_change(now)) if is_burst else more)
        .order_by(
            case((more, 1), else_=0),
            states.c.role,
            (incidents.c.total - states.c.told_count).desc(),
        )
        .limit(_MOST_CHANGES if is_burst else _LARGEST_DIGEST)
    )


def is_free(table: Any, now: datetime) -> Any:
    """Nobody holds it, or no longer."""
    return or_(table.c.held_until.is_(None), table.c.held_until <= now)


def _of_channel(channel: str, now: datetime) -> Select[Any]:
    is_heard = or_(incidents.c.muted_until.is_(None), incidents.c.muted_until <= now)
    columns = [column for column in states.c if column.name != "cause"]
    return (
        select(*incidents.c, *columns)
        .join(states, states.c.cause == incidents.c.cause)
        .where(states.c.channel == channel, is_heard, is_free(states, now))
    )


def _is_change(now: datetime) -> Any:
    """The channel believes another state than there is, and was not told of too many changes lately."""
    opened = and_(
        incidents.c.state == OPEN,
        states.c.told_episode < incidents.c.episode,
        or_(states.c.due_at.is_(None), states.c.due_at <= now),
    )
    is_over = and_(
        incidents.c.state == RESOLVED,
        states.c.told_state == OPEN,
        or_(incidents.c.about == IncidentType.FAILURES, incidents.c.closed_at <= now - SETTLING),
        or_(states.c.role == FIRST, ~_is_told_at_first()),  # once is enough
    )
    return and_(or_(opened, is_over), or_(states.c.quiet_until.is_(None), states.c.quiet_until <= now))


def _is_told_at_first() -> Any:
    first = states.alias("first")
    same = (
        first.c.cause == states.c.cause,
        first.c.channel == states.c.channel,
        first.c.role == FIRST,
    )
    return select(first.c.cause).where(*same).correlate(states).exists()
