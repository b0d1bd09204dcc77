"""The failure log in the service's database."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, and_, case, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from services.alerting.failures import Alert, Failure
from services.alerting.models import FailureGroupRow, FailureNoticeRow, FailureRow
from shared.database import Database
from shared.dead_letters.causes import Cause

_failures: Table = FailureRow.__table__  # type: ignore[attr-defined]
_groups: Table = FailureGroupRow.__table__  # type: ignore[attr-defined]
_notices: Table = FailureNoticeRow.__table__  # type: ignore[attr-defined]

_SAMPLES = 3
_CANDIDATES = 20  # alerts looked at in one claim, when others claim at the same time


class SqlFailureLog:
    """FailureLog with one short transaction per call; safe with any number of replicas."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert

    async def record(self, failure: Failure, channels: Sequence[str]) -> bool:
        """See FailureLog."""
        return await self._database.run(lambda connection: self._record(connection, failure, channels))

    async def claim(self, channel: str, now: datetime, *, interval: timedelta, lease: timedelta) -> Alert | None:
        """See FailureLog."""
        due = _due(channel, now, now - interval)
        return await self._database.run(lambda connection: _claim_first(connection, due, now, now + lease))

    async def told(self, alert: Alert, now: datetime) -> None:
        """See FailureLog."""
        released = {"told_count": alert.total, "told_at": now, "tries": 0, "held_by": None, "held_until": None}

        def settle(connection: Connection) -> None:
            connection.execute(update(_notices).where(_is_held(alert)).values(released))
            of_cause = _groups.c.cause == alert.cause.key
            connection.execute(update(_groups).where(of_cause).values(notified_at=now))

        await self._database.run(settle)

    async def put_off(self, alert: Alert, until: datetime) -> None:
        """See FailureLog."""
        later = {"tries": alert.tries + 1, "held_by": None, "held_until": until}
        statement = update(_notices).where(_is_held(alert)).values(later)
        await self._database.run(lambda connection: connection.execute(statement))

    def _record(self, connection: Connection, failure: Failure, channels: Sequence[str]) -> bool:
        if not self._store_failure(connection, failure):
            return False
        total = self._count_in_group(connection, failure)
        for channel in channels:
            # What died before the channel existed is not news on it.
            row = {"cause": failure.cause.key, "channel": channel, "told_count": total - 1, "tries": 0}
            connection.execute(self._insert(_notices).values(row).on_conflict_do_nothing())
        return True

    def _store_failure(self, connection: Connection, failure: Failure) -> bool:
        """Insert the message's row or count one death more; False when it was this very death."""
        statement = self._insert(_failures).values(
            queue=failure.queue,
            message_id=failure.message_id,
            kind=failure.kind,
            cause=failure.cause.key,
            error_type=failure.cause.error_type,
            error=failure.error,
            payload=failure.payload,
            first_at=failure.failed_at,
            last_at=failure.failed_at,
            last_death=failure.death,
            count=1,
            attempts=failure.attempts,
            replays=failure.replays,
        )
        new = statement.excluded
        kept = ("queue", "message_id", "first_at", "count")
        changes = {column.name: new[column.name] for column in _failures.c if column.name not in kept}
        stored = connection.execute(
            statement.on_conflict_do_update(
                index_elements=["queue", "message_id"],
                set_=changes | {"count": _failures.c.count + 1},
                where=_failures.c.last_death != new.last_death,
            ).returning(_failures.c.count)
        )
        return stored.first() is not None

    def _count_in_group(self, connection: Connection, failure: Failure) -> int:
        statement = self._insert(_groups).values(
            cause=failure.cause.key,
            queue=failure.queue,
            error_type=failure.cause.error_type,
            folded_error=failure.cause.error,
            error=failure.error,
            first_at=failure.failed_at,
            last_at=failure.failed_at,
            count=1,
        )
        new = statement.excluded
        newest = case((new.last_at > _groups.c.last_at, new.last_at), else_=_groups.c.last_at)
        counted = connection.execute(
            statement.on_conflict_do_update(
                index_elements=["cause"],
                set_={"count": _groups.c.count + 1, "last_at": newest, "error": new.error},
            ).returning(_groups.c.count)
        )
        return int(counted.scalar_one())


def _due(channel: str, now: datetime, told_before: datetime) -> Select[Any]:
    return (
        select(
            _groups.c.cause,
            _groups.c.queue,
            _groups.c.error_type,
            _groups.c.folded_error,
            _groups.c.error,
            _groups.c.first_at,
            _groups.c.last_at,
            _groups.c.count.label("total"),
            _notices.c.channel,
            _notices.c.told_count,
            _notices.c.told_at,
            _notices.c.tries,
        )
        .join(_notices, _notices.c.cause == _groups.c.cause)
        .where(
            _notices.c.channel == channel,
            _notices.c.told_count < _groups.c.count,
            or_(_notices.c.told_at.is_(None), _notices.c.told_at <= told_before),
            _is_free(now),
        )
        .order_by(_notices.c.tries, _groups.c.first_at)
        .limit(_CANDIDATES)
    )


def _is_free(now: datetime) -> Any:
    return or_(_notices.c.held_until.is_(None), _notices.c.held_until <= now)


def _is_held(alert: Alert) -> Any:
    return _notices.c.held_by == alert.token


def _claim_first(connection: Connection, due: Select[Any], now: datetime, until: datetime) -> Alert | None:
    for row in connection.execute(due).all():
        token = str(uuid.uuid4())
        # The same conditions again: of two replicas that read the row as due, one changes it.
        claimed = connection.execute(
            update(_notices)
            .where(
                and_(_notices.c.cause == row.cause, _notices.c.channel == row.channel),
                _notices.c.told_count == row.told_count,
                _is_free(now),
            )
            .values(held_by=token, held_until=until)
        )
        if claimed.rowcount:
            return _alert(connection, row, token)
    return None


def _alert(connection: Connection, row: Row[Any], token: str) -> Alert:
    newest = (
        select(_failures.c.message_id)
        .where(_failures.c.cause == row.cause)
        .order_by(_failures.c.last_at.desc())
        .limit(_SAMPLES)
    )
    return Alert(
        channel=row.channel,
        cause=Cause(row.cause, row.queue, row.error_type, row.folded_error),
        error=row.error,
        new=row.total - row.told_count,
        total=row.total,
        first_at=_utc(row.first_at),
        last_at=_utc(row.last_at),
        since=_utc(row.told_at or row.first_at),
        message_ids=tuple(connection.execute(newest).scalars()),
        tries=row.tries,
        token=token,
    )


def _utc(moment: datetime) -> datetime:
    # SQLite keeps no time zone; all that is written is UTC.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
