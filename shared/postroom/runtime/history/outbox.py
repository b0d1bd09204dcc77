"""The history outbox: publishes what a service recorded of its tries, as the event `job.recorded`.

A try stands in the service's own table first, in the transaction that settles its message; this is the outbox of that
table. It is off the path of the work: a second after something was recorded it is published, some tries at a time, and
marked as published. What a process did not get to publish, because the broker was away or it died, the next one
publishes that finds it gone. A try that is published twice has the same id both times.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson
from pydantic import ValidationError
from sqlalchemy import Connection, Row, Table, select, update

from postroom.broker.publishing import Publisher
from postroom.privacy.redaction import redact
from postroom.runtime.background import raise_if_cancelled
from postroom.runtime.inbox import Inbox
from postroom.runtime.inbox.tables import UNPUBLISHED, HistoryRow
from postroom.storage.database import Database
from postroom.wire.messages import JobRecorded, RecordedTry

log = logging.getLogger(__name__)

GATHER = timedelta(seconds=1)
"""For how long tries are gathered before they are published."""

LOOK_EVERY = timedelta(seconds=5)
"""How often a process looks for what others left behind."""

RETRY_AFTER = timedelta(seconds=5)
"""After the broker or the database did not do its part."""

MOST_TRIES = 100
MOST_BYTES = 128 * 1024  # half of what a message may have; one try alone has at most about 100 KiB

_history: Table = HistoryRow.__table__  # type: ignore[attr-defined]


class HistoryOutbox:
    """Publishes what one process of a service recorded, and what those left that are gone.

    Args:
        service: whose history it is.
        inbox: says when there is something new, and who is gone.
        database: the service's.
        publisher: a connection of its own.
    """

    def __init__(self, service: str, inbox: Inbox, database: Database, publisher: Publisher) -> None:
        self._service = service
        self._inbox = inbox
        self._database = database
        self._publisher = publisher
        self._publishing = asyncio.Lock()

    async def keep_publishing(self) -> None:
        """Publish soon after something was recorded, until cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._inbox.history_added.wait(), LOOK_EVERY.total_seconds())
            await asyncio.sleep(GATHER.total_seconds())
            if not await self.publish():
                await asyncio.sleep(RETRY_AFTER.total_seconds())

    async def publish(self) -> bool:
        """Publish all that was not yet, and return whether that worked. What did not is published next time."""
        async with self._publishing:
            if not self._publisher.is_connected:
                return False
            self._inbox.history_added.clear()
            try:
                for holder in await self._holders():
                    while rows := await self._database.run(partial(_unpublished, holder=holder)):
                        await self._publish(rows)
            except Exception as error:  # noqa: BLE001 - the history is not worth a process
                raise_if_cancelled()
                self._inbox.history_added.set()
                log.info("The history is published later: %s", redact(f"{type(error).__name__}: {error}"))
                return False
            return True

    async def _holders(self) -> list[str]:
        """Whose tries this process publishes: its own, and those of processes that are gone."""
        found: list[str] = await self._database.run(_holders)
        is_dead = self._inbox.liveness.is_dead
        return [holder for holder in found if holder == self._inbox.holder or is_dead(holder)]

    async def _publish(self, rows: Sequence[Row[Any]]) -> None:
        for tries in _parcels(_tries(rows)):
            await self._publisher.publish(JobRecorded(service=self._service, tries=tries))
        published = update(_history).where(_history.c.id.in_([row.id for row in rows])).values(is_told=True)
        await self._database.run(lambda connection: connection.execute(published))


def _holders(connection: Connection) -> list[str]:
    return list(connection.scalars(select(_history.c.holder).where(UNPUBLISHED).distinct()))


def _unpublished(connection: Connection, holder: str) -> Sequence[Row[Any]]:
    mine = select(_history).where(UNPUBLISHED, _history.c.holder == holder)
    return connection.execute(mine.order_by(_history.c.id).limit(MOST_TRIES)).all()


def _tries(rows: Sequence[Row[Any]]) -> Iterator[RecordedTry]:
    for row in rows:
        try:
            yield _try(row)
        except ValidationError as error:  # it would stand in the way of all others
            log.warning("A row of the history cannot be published: %s", error.errors(include_input=False))


def _try(row: Row[Any]) -> RecordedTry:
    fields = {name: value for name, value in row._mapping.items() if name in RecordedTry.model_fields}
    moments = {name: _utc(fields[name]) for name in ("at", "published_at", "next_at")}
    given = {"id": row.try_id, "recipients": orjson.loads(row.recipients or "[]")}
    known = {name: value for name, value in {**fields, **moments, **given}.items() if value is not None}
    return RecordedTry.model_validate(known)


def _parcels(tries: Iterator[RecordedTry]) -> Iterator[list[RecordedTry]]:
    """The tries in lists of at most MOST_BYTES."""
    parcel: list[RecordedTry] = []
    size = 0
    for each in tries:
        length = len(each.model_dump_json(exclude_unset=True).encode())
        if parcel and size + length > MOST_BYTES:
            yield parcel
            parcel, size = [], 0
        parcel.append(each)
        size += length
    if parcel:
        yield parcel


def _utc(moment: datetime | None) -> datetime | None:
    # SQLite gives times back without their zone.
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
