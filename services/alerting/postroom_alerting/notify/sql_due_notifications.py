"""Queries for what is due on a channel."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, case, or_, select

from postroom_alerting.classification import IncidentType
from postroom_alerting.incidents.sql_conditions import SETTLING
from postroom_alerting.incidents.sql_lifecycle import OPEN, RESOLVED, incidents
from postroom_alerting.incidents.sql_receivers import FIRST, notification_states

_states = notification_states.c

_CANDIDATES = 20  # rows tried in one claim, when other processes claim at the same time
_LARGEST_DIGEST = 500
_MOST_CHANGES = 100  # in one digest: PagerDuty takes 120 events in a minute


def due_singles(channel: str, now: datetime) -> Select[Any]:
    """Changes of state, each of which is due as a notification of its own."""
    return (
        _of_channel(channel, now)
        .where(_is_changed(now))
        .order_by(_states.tries, _states.role, incidents.c.opened_at)
        .limit(_CANDIDATES)
    )


def due_digest(channel: str, now: datetime, soon: datetime, *, is_burst: bool) -> Select[Any]:
    """More deaths of open incidents whose interval is over at `soon`; in a burst also changes of state, first."""
    more = and_(
        incidents.c.state == OPEN,
        _states.role == FIRST,
        _states.notified_episode == incidents.c.episode,
        _states.notified_count < incidents.c.total,
        or_(_states.next_at.is_(None), _states.next_at <= soon),
    )
    return (
        _of_channel(channel, now)
        .where(or_(more, _is_changed(now)) if is_burst else more)
        .order_by(case((more, 1), else_=0), _states.role, (incidents.c.total - _states.notified_count).desc())
        .limit(_MOST_CHANGES if is_burst else _LARGEST_DIGEST)
    )


def is_unclaimed(table: Any, now: datetime) -> Any:
    """No claim on the row lasts."""
    return or_(table.c.claimed_until.is_(None), table.c.claimed_until <= now)


def _of_channel(channel: str, now: datetime) -> Select[Any]:
    is_not_silenced = or_(incidents.c.silenced_until.is_(None), incidents.c.silenced_until <= now)
    return (
        select(*incidents.c, *_states)
        .join(notification_states, _states.incident_key == incidents.c.key)
        .where(_states.channel == channel, is_not_silenced, is_unclaimed(notification_states, now))
    )


def _is_changed(now: datetime) -> Any:
    """The incident's state is another one than the channel was notified of, and the channel may be notified again."""
    has_opened = and_(
        incidents.c.state == OPEN,
        _states.notified_episode < incidents.c.episode,
        or_(_states.due_at.is_(None), _states.due_at <= now),
    )
    is_over = and_(
        incidents.c.state == RESOLVED,
        _states.notified_state == OPEN,
        or_(incidents.c.about == IncidentType.FAILURES, incidents.c.closed_at <= now - SETTLING),
        # A channel in both roles is notified of the end once.
        or_(_states.role == FIRST, ~_has_first_role()),
    )
    return and_(or_(has_opened, is_over), or_(_states.quiet_until.is_(None), _states.quiet_until <= now))


def _has_first_role() -> Any:
    first = notification_states.alias("first")
    same = (first.c.incident_key == _states.incident_key, first.c.channel == _states.channel, first.c.role == FIRST)
    return select(first.c.incident_key).where(*same).correlate(notification_states).exists()
