"""The attempts log in the service's own database. Concurrent deliveries share transactions."""

from dataclasses import asdict
from datetime import UTC
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select
from sqlalchemy.engine import Row

from postroom.storage.database import Database
from postroom.storage.group_commit import GroupCommit
from postroom_webhook.attempts import Attempt
from postroom_webhook.models import AttemptRow

ATTEMPTS: Table = AttemptRow.__table__  # type: ignore[attr-defined]
_LONGEST_PATH = 500
_LONGEST_ERROR = 1000


class SqlAttemptLog:
    """See AttemptLog. A database that is away is waited for.

    Args:
        database: the service's.
        keep: attempts of each message that are kept.
    """

    def __init__(self, database: Database, keep: int) -> None:
        self._database = database
        self._keep = keep
        self._group = GroupCommit(database, self._commit)

    async def record(self, attempt: Attempt) -> None:
        """See AttemptLog."""
        await self._group.write(attempt)

    async def of(self, message_id: str) -> list[Attempt]:
        """See AttemptLog."""
        query = select(ATTEMPTS).where(ATTEMPTS.c.message_id == message_id).order_by(ATTEMPTS.c.id)
        rows = await self._database.run(lambda connection: connection.execute(query).all())
        return [_attempt(row) for row in rows]

    def _commit(self, connection: Connection, attempts: list[Attempt]) -> list[None]:
        connection.execute(insert(ATTEMPTS), [_row(attempt) for attempt in attempts])
        for message_id in {each.message_id for each in attempts if each.attempt > 1 or each.replays}:
            self._forget_the_oldest(connection, message_id)
        return [None] * len(attempts)

    def _forget_the_oldest(self, connection: Connection, message_id: str) -> None:
        of_message = ATTEMPTS.c.message_id == message_id
        newest_first = select(ATTEMPTS.c.id).where(of_message).order_by(ATTEMPTS.c.id.desc())
        oldest = connection.execute(newest_first.offset(self._keep).limit(1)).scalar()
        if oldest is not None:
            connection.execute(delete(ATTEMPTS).where(of_message, ATTEMPTS.c.id <= oldest))


def _row(attempt: Attempt) -> dict[str, Any]:
    return asdict(attempt) | {
        "path": attempt.path[:_LONGEST_PATH],
        "error": attempt.error and attempt.error.replace("\0", "")[:_LONGEST_ERROR],
    }


def _attempt(row: Row[Any]) -> Attempt:
    fields = dict(row._mapping)
    del fields["id"]
    if fields["at"].tzinfo is None:  # SQLite keeps no zone
        fields["at"] = fields["at"].replace(tzinfo=UTC)
    return Attempt(**fields)
