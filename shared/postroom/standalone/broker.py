"""A broker in one SQLite file: what is stored is routed as RabbitMQ would, and is on the disk when `store` returns.

The delay ladder's routing keys are read back into the wait they mean; dead letters stay in the table, with their
reason, until a person replays them.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from postroom import wire
from postroom.broker.publishing import Outgoing
from postroom.settings import RuntimeSettings
from postroom.standalone.routing import Routes
from postroom.standalone.rows import buried_headers, delivery_of, headers_as_text, messages, outgoing_of, row_of
from postroom.standalone.tables import DEAD, READY
from postroom.storage.database import Database
from postroom.wire.dead_letter import Envelope, read_dead_letter
from postroom.worker.delivery import Delivery
from postroom.worker.registration import Subscription


@dataclass(frozen=True, slots=True)
class DeadMessage:
    """A dead letter of this installation."""

    id: int
    queue: str
    message_id: str
    error_type: str
    error: str


class RowEnding(Enum):
    """What becomes of a delivered message.

    DONE: it goes. RETURNED: it is delivered again, once it was delivered too often it is dead. REJECTED: it is dead.
    """

    DONE = "done"
    RETURNED = "returned"
    REJECTED = "rejected"


class SqliteBroker:
    """The queues of one process.

    What another process stores is seen at the next look only; `listen` tells of what this one stores.

    Args:
        settings: say where the data folder is.
        subscriptions: the queues there are, and what they are bound to.
    """

    def __init__(self, settings: RuntimeSettings, subscriptions: Iterable[Subscription]) -> None:
        self.path = settings.data_dir.absolute() / "local.sqlite3"
        self._database = Database(f"sqlite+aiosqlite:///{self.path}", "local")
        self._routes = Routes(list(subscriptions))
        self._listening: list[tuple[frozenset[str], asyncio.Event]] = []

    async def open(self) -> None:
        """Make the table where there is none. What was being done when a process died is ready again."""
        await self._database.run(lambda connection: messages.create(connection, checkfirst=True))

    async def close(self) -> None:
        """Close the file."""
        await self._database.close()

    def listen(self, queues: Iterable[str]) -> asyncio.Event:
        """An event that is set whenever one of `queues` has got a message; whoever waits for it clears it."""
        event = asyncio.Event()
        self._listening.append((frozenset(queues), event))
        return event

    def stop_listening(self, event: asyncio.Event) -> None:
        """Nobody waits for it any more."""
        self._listening = [each for each in self._listening if each[1] is not event]

    async def store(self, outgoing: Outgoing) -> None:
        """Put a message into each queue it is for. A job for which there is none is dead, in `unrouted`.

        Raises Unroutable where RabbitMQ has no place for it, and SQLAlchemyError.
        """
        targets = self._routes.targets(outgoing)
        rows = [row_of(outgoing, target) for target in targets]
        if rows:
            await self._database.run(lambda connection: connection.execute(insert(messages), rows))
            self._tell({target.queue for target in targets})

    async def next_due(self, queues: Collection[str], without: Collection[int]) -> dict[str, datetime]:
        """When the next message of each queue is due; nothing for a queue that has none but those `without`."""
        earliest = (
            select(messages.c.queue, func.min(messages.c.due_at).label("due_at"))
            .where(messages.c.state == READY, messages.c.queue.in_(queues), messages.c.id.not_in(without))
            .group_by(messages.c.queue)
        )
        rows = await self._database.run(lambda connection: connection.execute(earliest).all())
        return {row.queue: row.due_at.replace(tzinfo=UTC) for row in rows}

    async def deliver(self, queue: str, without: Collection[int], at_most: int) -> list[Delivery]:
        """Messages of one queue whose time has come, the oldest first; not those `without`."""
        ready = (
            select(messages)
            .where(messages.c.queue == queue, messages.c.state == READY, messages.c.due_at <= datetime.now(UTC))
            .where(messages.c.id.not_in(without))
            .order_by(messages.c.due_at, messages.c.id)
            .limit(at_most)
        )

        def take(connection: Connection) -> list[Delivery]:
            rows = connection.execute(ready).all()
            if rows:
                taken = update(messages).where(messages.c.id.in_([row.id for row in rows]))
                connection.execute(taken.values(deliveries=messages.c.deliveries + 1))
            return [delivery_of(row) for row in rows]

        return await self._database.run(take)

    async def settle(self, verdicts: Mapping[int, RowEnding]) -> None:
        """Let these messages become what their verdicts say, all at once. Those that are gone already stay so."""
        done = [id_ for id_, verdict in verdicts.items() if verdict is RowEnding.DONE]
        others = {id_: verdict for id_, verdict in verdicts.items() if verdict is not RowEnding.DONE}

        def settle(connection: Connection) -> bool:
            if done:
                connection.execute(delete(messages).where(messages.c.id.in_(done)))
            if not others:
                return False
            rows = connection.execute(select(messages).where(messages.c.id.in_(others))).all()
            too_often = [row for row in rows if row.deliveries >= wire.DELIVERY_LIMIT]
            for row in rows:
                if others[row.id] is RowEnding.REJECTED:
                    self._bury(connection, row, "rejected")
                elif row in too_often:
                    self._bury(connection, row, "delivery_limit")
            return True

        if await self._database.run(settle):
            self._tell({target.queue for target in self._routes.alerting()})

    async def count_ready(self) -> int:
        """How many messages are not done, nor dead."""
        ready = select(func.count()).where(messages.c.state == READY)
        return await self._database.run(lambda connection: int(connection.scalar(ready) or 0))

    async def dead(self) -> list[DeadMessage]:
        """The dead letters, the oldest first."""
        query = select(messages).where(messages.c.state == DEAD).order_by(messages.c.id)
        return [_dead(row) for row in await self._database.run(lambda connection: connection.execute(query).all())]

    async def replay(self, id_: int) -> None:
        """Put a dead letter back into its queue, with fresh attempts; a job that no queue took is routed again."""
        this = (messages.c.id == id_, messages.c.state == DEAD)
        values = {"state": READY, "due_at": datetime.now(UTC), "deliveries": 0}

        def replay(connection: Connection) -> set[str]:
            row = connection.execute(select(messages).where(*this)).first()
            if row is None:
                return set()
            if row.queue != wire.UNROUTED_QUEUE:
                connection.execute(update(messages).where(*this).values(values))
                return {row.queue}
            outgoing = outgoing_of(row)
            targets = self._routes.targets(outgoing)
            connection.execute(delete(messages).where(*this))
            connection.execute(insert(messages), [row_of(outgoing, target) for target in targets])
            return {target.queue for target in targets}

        self._tell(await self._database.run(replay))

    def _bury(self, connection: Connection, row: Row[Any], reason: str) -> None:
        """As RabbitMQ does by itself: dead, and alerting is told; but never of its own dead letters."""
        headers = buried_headers(row, reason)
        buried = update(messages).where(messages.c.id == row.id)
        connection.execute(buried.values(state=DEAD, headers=headers_as_text(headers)))
        if row.queue == wire.ALERTING_QUEUE:
            return
        told = replace(outgoing_of(row), exchange=wire.DEAD_LETTERS, routing_key=row.queue, headers=headers)
        for target in self._routes.alerting():
            connection.execute(insert(messages), row_of(told, target))

    def _tell(self, queues: set[str]) -> None:
        for listened, event in self._listening:
            if not queues.isdisjoint(listened):
                event.set()


@asynccontextmanager
async def open_broker(settings: RuntimeSettings, subscriptions: Iterable[Subscription]) -> AsyncIterator[SqliteBroker]:
    """The file with these queues, closed at the end of the block. It is opened by whoever connects to it."""
    broker = SqliteBroker(settings, subscriptions)
    try:
        yield broker
    finally:
        await broker.close()


def _dead(row: Row[Any]) -> DeadMessage:
    message = outgoing_of(row)
    envelope = Envelope(message.headers, message.exchange, message.routing_key, message.message_id, message.timestamp)
    letter = read_dead_letter(envelope, queue=row.queue)
    return DeadMessage(row.id, row.queue, row.message_id, letter.error_type, letter.error)
