"""What the command line sees of groups and conditions, and changes."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from postroom.storage.database import Database
from postroom.wire.errors import PostroomError
from postroom_alerting.incidents.sql_lifecycle import OPEN, RESOLVED, lock, utc
from postroom_alerting.incidents.sql_reader import read_concern
from postroom_alerting.models import ConcernRow, FailureRow, NoticeRow, table_of
from postroom_alerting.monitor.heartbeats import forget_schedulers
from postroom_alerting.monitor.process_checks import SILENT
from postroom_alerting.notify.notifications import Concern
from postroom_alerting.rules.routes import About, Rules

_concerns = table_of(ConcernRow)
_notices = table_of(NoticeRow)
_failures = table_of(FailureRow)

MOST_LISTED = 500
MOST_MESSAGES = 20
UNSEEN = timedelta(minutes=5)
"""What lasts is seen twice a minute. Whether a condition still lasts that was not, a person knows best."""


class UnknownGroup(PostroomError):
    """There is no group or condition of that key."""


class LastingCondition(PostroomError):
    """A condition that is seen clears by itself. It can be muted."""


class SqlGroups:
    """Groups and conditions, by key."""

    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self._rules = rules

    async def all(self, now: datetime, *, with_resolved: bool = True) -> list[Concern]:
        """Those that are open first, the newest first; at most 500."""
        statement = select(_concerns).order_by(_concerns.c.state, _concerns.c.last_at.desc()).limit(MOST_LISTED)
        if not with_resolved:
            statement = statement.where(_concerns.c.state == OPEN)

        def read(connection: Connection) -> list[Concern]:
            rows = connection.execute(statement).all()
            return [read_concern(connection, row, self._rules, now) for row in rows]

        return await self._database.run(read)

    async def one(self, key: str, now: datetime) -> Concern:
        """Raises UnknownGroup."""

        def read(connection: Connection) -> Concern:
            return read_concern(connection, _row(connection, key), self._rules, now)

        return await self._database.run(read)

    async def messages(self, key: str) -> list[dict[str, Any]]:
        """The newest messages of a group, masked."""
        columns = ("message_id", "state", "error", "payload", "first_at", "last_at", "count", "attempts", "replays")
        newest = (
            select(*(_failures.c[name] for name in columns))
            .where(_failures.c.cause == key)
            .order_by(_failures.c.last_at.desc())
            .limit(MOST_MESSAGES)
        )
        return await self._database.run(lambda connection: _dicts(connection, newest))

    async def told(self, key: str) -> list[dict[str, Any]]:
        """What each channel was told last."""
        names = ("channel", "role", "told_state", "told_count", "told_at", "due_at", "tries")
        rows = select(*(_notices.c[name] for name in names)).where(_notices.c.cause == key)
        return await self._database.run(lambda connection: _dicts(connection, rows))

    async def mute(self, key: str, until: datetime | None, *, by: str, reason: str) -> None:
        """Tell nothing of it until then; None tells again. Raises UnknownGroup."""
        muted = {"muted_until": until, "muted_by": by, "mute_reason": reason}

        def change(connection: Connection) -> None:
            lock(connection)
            _row(connection, key)
            connection.execute(update(_concerns).where(_concerns.c.cause == key).values(muted))

        await self._database.run(change)

    async def mutes(self, now: datetime) -> dict[str, dict[str, Any]]:
        """Until when, by whom and why, of those that are muted."""
        muted = select(_concerns).where(_concerns.c.muted_until > now)

        def read(connection: Connection) -> dict[str, dict[str, Any]]:
            return {
                row.cause: {"until": utc(row.muted_until), "by": row.muted_by, "reason": row.mute_reason}
                for row in connection.execute(muted)
            }

        return await self._database.run(read)

    async def resolve(self, key: str, *, by: str, now: datetime) -> None:
        """Close it by hand; messages stay where they are. Raises UnknownGroup and LastingCondition.

        Of conditions, those that nobody sees any more; and that no scheduler runs, where none shall.
        """

        def change(connection: Connection) -> None:
            lock(connection)
            row = _row(connection, key)
            if row.what == SILENT and row.state == OPEN:
                forget_schedulers(connection)
            elif row.about == About.CONDITION and utc(row.last_at) > now - UNSEEN:
                raise LastingCondition(f"{key} is a condition: it clears by itself. `postroom alerts mute` silences it")
            dead = (_failures.c.cause == key, _failures.c.state == OPEN)
            connection.execute(update(_failures).where(*dead).values(state=RESOLVED))
            closed = {"state": RESOLVED, "closed_at": now, "closed_by": by, "unsettled": 0}
            connection.execute(
                update(_concerns).where(_concerns.c.cause == key, _concerns.c.state == OPEN).values(closed)
            )

        await self._database.run(change)


def _dicts(connection: Connection, statement: Any) -> list[dict[str, Any]]:
    return [
        {name: utc(value) if isinstance(value, datetime) else value for name, value in row.items()}
        for row in connection.execute(statement).mappings()
    ]


def _row(connection: Connection, key: str) -> Any:
    row = connection.execute(select(_concerns).where(_concerns.c.cause == key)).first()
    if row is None:
        raise UnknownGroup(f"there is no group or condition {key}; `postroom alerts list` shows them")
    return row
