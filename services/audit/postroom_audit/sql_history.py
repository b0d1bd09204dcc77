"""Reads the timelines of messages out of the service's database."""

from datetime import UTC
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Table, and_, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from postroom.storage.database import Database
from postroom_audit.errors import AmbiguousId, UnknownId
from postroom_audit.models import DeadLetterEventRow, EventRow, TryRow
from postroom_audit.search import FoundMessage, MessageQuery, find_published, find_tried, find_untried
from postroom_audit.timeline import MessageTimeline, build_timeline

MOST_STORIES = 50
SHORTEST_BEGINNING = 4

_events: Table = EventRow.__table__  # type: ignore[attr-defined]
_tries: Table = TryRow.__table__  # type: ignore[attr-defined]
_letters: Table = DeadLetterEventRow.__table__  # type: ignore[attr-defined]
_BY_MESSAGE = (_tries, _letters, _events)

Model = TypeVar("Model", bound=SQLModel)


class SqlHistory:
    """The history of messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def timelines(self, wanted: str) -> list[MessageTimeline]:
        """The timeline of the message with this id, or with the one id that begins so; or of all with a correlation id.

        Raises UnknownId and AmbiguousId.
        """
        async with self._database.session() as session:
            return [await _timeline(session, each) for each in await self._ids(session, wanted)]

    async def find(self, wanted: MessageQuery) -> list[FoundMessage]:
        """Messages by what is known of them, the latest first. A message that several queues had is found for each."""
        async with self._database.session() as session:
            if not self._database.is_sqlite:  # PostgreSQL would compile the search for seconds, and search for some ms
                await session.execute(text("SET LOCAL jit = off"))
            found = [] if wanted.state == "published" else await find_tried(session, wanted)
            if wanted.includes_untried:
                found += await find_untried(session, wanted)
            if wanted.includes_published:
                found += await find_published(session, wanted)
        return sorted(found, key=lambda each: each.at, reverse=True)[: wanted.limit]

    async def _ids(self, session: AsyncSession, wanted: str) -> list[str]:
        for table in _BY_MESSAGE:
            if await session.scalar(select(table.c.message_id).where(table.c.message_id == wanted).limit(1)):
                return [wanted]
        if related := await _related(session, wanted):
            return related
        ids: set[str] = set()
        for table in _BY_MESSAGE if len(wanted) >= SHORTEST_BEGINNING else ():
            column = table.c.message_id
            begun = select(column).where(self._begins(column, wanted)).distinct().order_by(column).limit(5)
            ids.update((await session.scalars(begun)).all())
        if not ids:
            raise UnknownId(wanted)
        if len(ids) > 1:
            raise AmbiguousId(wanted, sorted(ids))
        return list(ids)

    def _begins(self, column: ColumnElement[str], wanted: str) -> ColumnElement[bool]:
        if self._database.is_sqlite:  # its LIKE uses no index
            return and_(column >= wanted, column < wanted + chr(0x10FFFF))
        return column.startswith(wanted, autoescape=True)


async def _timeline(session: AsyncSession, message_id: str) -> MessageTimeline:
    return build_timeline(
        message_id,
        await _rows_of(session, EventRow, _events, message_id),
        await _rows_of(session, TryRow, _tries, message_id),
        await _rows_of(session, DeadLetterEventRow, _letters, message_id),
    )


async def _related(session: AsyncSession, correlation_id: str) -> list[str]:
    """The messages of one correlation, in the order in which they were first seen."""
    firsts: dict[str, Any] = {}
    first_seen = {_tries: func.coalesce(_tries.c.published_at, _tries.c.at), _events: _events.c.at}
    for table, at in first_seen.items():
        of_it = select(table.c.message_id, func.min(at)).where(table.c.correlation_id == correlation_id)
        for message_id, moment in (await session.execute(of_it.group_by(table.c.message_id))).all():
            if message_id:
                firsts[message_id] = min(moment, firsts.get(message_id, moment))
    return sorted(firsts, key=firsts.__getitem__)[:MOST_STORIES]


async def _rows_of(session: AsyncSession, model: type[Model], table: Table, message_id: str) -> list[Model]:
    rows = list((await session.scalars(select(model).where(table.c.message_id == message_id))).all())
    session.expunge_all()  # what is changed here stays here
    for row in rows:
        for name in ("at", "published_at", "next_at"):
            moment = getattr(row, name, None)
            if moment is not None and moment.tzinfo is None:  # SQLite gives times back without their zone
                setattr(row, name, moment.replace(tzinfo=UTC))
    return rows
