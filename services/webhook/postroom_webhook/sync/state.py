"""How far each source was read, and what is known of its items: the tables of the syncer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, select, update
from sqlalchemy.dialects import postgresql, sqlite

from postroom.storage.database import Database
from postroom_webhook.models import ItemRow, SourceRow

SOURCES: Table = SourceRow.__table__  # type: ignore[attr-defined]
ITEMS: Table = ItemRow.__table__  # type: ignore[attr-defined]
HOLD = timedelta(minutes=5)
"""After which another job may take a source over: longer than any page takes, renewed with each."""

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """Where a sync begins: at `cursor`, or anew with the last one's validators."""

    run: int
    pages: int
    cursor: str | None
    etag: str | None
    last_modified: str | None


@dataclass(frozen=True, slots=True)
class PublishedItem:
    """An item as it was last published. `hash` is None once it is gone."""

    id: str
    hash: str | None
    version: int


class SyncState:
    """Remembers sources and items. Raises SQLAlchemy's errors when the database is away.

    Args:
        database: the service's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert: Any = sqlite.insert if database.is_sqlite else postgresql.insert

    async def begin(self, name: str, description: str, holder: str) -> SyncProgress | None:
        """Hold the source for `holder` and say where to begin; None while another one holds it.

        Another `description` than the last time makes what was kept of pages and validators void; items stay.
        """
        return await self._database.run(lambda connection: self._begin(connection, name, description, holder))

    async def turn_page(self, name: str, holder: str, cursor: str | None) -> None:
        """A page is done; the next one is at `cursor`. With None the next sync begins anew."""
        pages = SOURCES.c.pages + 1
        await self._change(name, holder, cursor=cursor, pages=pages, held_until=datetime.now(UTC) + HOLD)

    async def finish(self, name: str, holder: str, etag: str | None, last_modified: str | None) -> None:
        """All pages are done. The validators are sent the next time."""
        done = {"cursor": None, "pages": 0, "finished_at": datetime.now(UTC)}
        await self._change(name, holder, etag=etag, last_modified=last_modified, **done)

    async def release(self, name: str, holder: str) -> None:
        """End the hold, so that another job may read the source."""
        await self._change(name, holder, held_by=None, held_until=None)

    async def known(self, name: str, ids: Sequence[str]) -> Mapping[str, PublishedItem]:
        """The items among these that were published before, by id."""

        def look(connection: Connection) -> dict[str, PublishedItem]:
            found = {}
            for some in _portions(ids):
                query = select(ITEMS).where(ITEMS.c.source == name, ITEMS.c.item_id.in_(some))
                for row in connection.execute(query):
                    found[row.item_id] = PublishedItem(row.item_id, row.hash, row.version)
            return found

        return await self._database.run(look)

    async def save(self, name: str, run: int, items: Sequence[PublishedItem]) -> None:
        """Remember items as published and as seen in this run."""
        statement = self._insert(ITEMS)
        changed = {column: statement.excluded[column] for column in ("hash", "version", "run")}
        upsert = statement.on_conflict_do_update(index_elements=["source", "item_id"], set_=changed)
        rows = [
            {"source": name, "item_id": item.id, "hash": item.hash, "version": item.version, "run": run}
            for item in items
        ]
        await self._database.run(lambda connection: [connection.execute(upsert, some) for some in _portions(rows)])

    async def gone(self, name: str, run: int, limit: int = _AT_ONCE) -> Sequence[PublishedItem]:
        """Items that were published, are not deleted, and were not seen in this run."""
        unseen = (ITEMS.c.source == name, ITEMS.c.hash.is_not(None), ITEMS.c.run < run)
        query = select(ITEMS).where(*unseen).order_by(ITEMS.c.item_id).limit(limit)
        rows = await self._database.run(lambda connection: connection.execute(query).all())
        return [PublishedItem(row.item_id, row.hash, row.version) for row in rows]

    def _begin(self, connection: Connection, name: str, description: str, holder: str) -> SyncProgress | None:
        blank = {"name": name, "description": description, "run": 0, "pages": 0}
        connection.execute(self._insert(SOURCES).values(blank).on_conflict_do_nothing())
        row = connection.execute(select(SOURCES).where(SOURCES.c.name == name).with_for_update()).one()
        now = datetime.now(UTC)
        if row.held_by not in (None, holder) and _utc(row.held_until) > now:
            return None
        changes: dict[str, Any] = {"held_by": holder, "held_until": now + HOLD}
        if row.description != description:
            changes |= {"description": description, "etag": None, "last_modified": None, "cursor": None}
        if (cursor := changes.get("cursor", row.cursor)) is None:
            changes |= {"run": row.run + 1, "pages": 0}
        connection.execute(update(SOURCES).where(SOURCES.c.name == name).values(**changes))
        kept = {**row._mapping, **changes}
        return SyncProgress(kept["run"], kept["pages"], cursor, kept["etag"], kept["last_modified"])

    async def _change(self, name: str, holder: str, **values: Any) -> None:
        mine = update(SOURCES).where(SOURCES.c.name == name, SOURCES.c.held_by == holder).values(**values)
        await self._database.run(lambda connection: connection.execute(mine))


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # SQLite keeps no zone


def _portions(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
