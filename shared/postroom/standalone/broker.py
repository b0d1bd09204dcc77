"""A broker in one SQLite file: what is sent is routed as RabbitMQ would, and is on the disk when `send` returns.

It is a Publisher to whoever publishes. The delay ladder's routing keys are read back into the wait they mean; dead
letters stay in the table, with their reason, until a person replays them.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Table, delete, func, insert, select, update

from postroom import wire
from postroom.broker.publishing import Outgoing, Publisher
from postroom.broker.topology.ladder import LEVELS
from postroom.runtime.consuming.delivery import Delivery
from postroom.runtime.registration import Subscription
from postroom.settings import RuntimeSettings
from postroom.standalone.tables import DEAD, READY, LocalMessageRow
from postroom.storage.database import Database

messages: Table = LocalMessageRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class DeadMessage:
    """A dead letter of this installation."""

    id: int
    queue: str
    message_id: str
    error_type: str
    error: str


class LocalBroker(Publisher):
    """The queues of one process.

    Args:
        settings: say where the data folder is.
        subscriptions: the queues there are, and what they are bound to.
    """

    def __init__(self, settings: RuntimeSettings, subscriptions: Iterable[Subscription], app_id: str = "local") -> None:
        super().__init__("amqp://nowhere/", app_id=app_id)
        folder = settings.data_dir.absolute()
        self._database = Database(f"sqlite+aiosqlite:///{folder / 'local.sqlite3'}", "local")
        self._subscriptions = list(subscriptions)
        self.changed = asyncio.Event()

    @property
    def is_connected(self) -> bool:
        """Always: it is a file."""
        return True

    async def connect(self) -> None:
        """Make the file where there is none. What was being done when a process died is ready again."""
        await self._database.run(lambda connection: messages.create(connection, checkfirst=True))

    async def close(self) -> None:
        """Close the file."""
        await self._database.close()

    async def send(self, outgoing: Outgoing) -> None:
        """Put a message into each queue it is for. A job for which there is none is dead, in `unrouted`."""
        rows = [self._row(outgoing, *target) for target in self._targets(outgoing)]
        if rows:
            await self._database.run(lambda connection: connection.execute(insert(messages), rows))
            self.changed.set()

    async def due(self, queue: str, without: set[int], at_most: int) -> list[Delivery]:
        """Deliveries of one queue whose time has come, the oldest first; not those `without`."""
        ready = (
            select(messages)
            .where(messages.c.queue == queue, messages.c.state == READY, messages.c.due_at <= datetime.now(UTC))
            .where(messages.c.id.not_in(without))
            .order_by(messages.c.due_at, messages.c.id)
            .limit(at_most)
        )

        def begin(connection: Connection) -> list[Delivery]:
            rows = connection.execute(ready).all()
            if rows:
                begun = update(messages).where(messages.c.id.in_([row.id for row in rows]))
                connection.execute(begun.values(deliveries=messages.c.deliveries + 1))
            return [_delivery(row) for row in rows]

        return await self._database.run(begin)

    async def next_due(self, without: Iterable[int] = ()) -> datetime | None:
        """When the next message is due that is ready, not counting those `without`; None when none waits."""
        earliest = select(func.min(messages.c.due_at)).where(
            messages.c.state == READY, messages.c.id.not_in(list(without))
        )
        moment: datetime | None = await self._database.run(lambda connection: connection.scalar(earliest))
        return moment.replace(tzinfo=UTC) if moment else None

    async def count_ready(self) -> int:
        """How many messages are not done, nor dead."""
        ready = select(func.count()).where(messages.c.state == READY)
        return await self._database.run(lambda connection: int(connection.scalar(ready) or 0))

    async def remove(self, ids: list[int]) -> None:
        """They are done."""
        await self._database.run(lambda connection: connection.execute(delete(messages).where(messages.c.id.in_(ids))))

    async def bury(self, id_: int) -> None:
        """Keep it for a person, as it is."""
        dead = update(messages).where(messages.c.id == id_).values(state=DEAD)
        await self._database.run(lambda connection: connection.execute(dead))

    async def deliveries(self, id_: int) -> int:
        """How often it was begun."""
        begun = select(messages.c.deliveries).where(messages.c.id == id_)
        return await self._database.run(lambda connection: int(connection.scalar(begun) or 0))

    async def dead(self) -> list[DeadMessage]:
        """The dead letters, the oldest first."""
        query = select(messages).where(messages.c.state == DEAD).order_by(messages.c.id)
        return [_dead(row) for row in await self._database.run(lambda connection: connection.execute(query).all())]

    async def replay(self, id_: int) -> None:
        """Put a dead letter back into its queue, with fresh attempts."""
        ready = update(messages).where(messages.c.id == id_, messages.c.state == DEAD)
        values = {"state": READY, "due_at": datetime.now(UTC), "deliveries": 0}
        await self._database.run(lambda connection: connection.execute(ready.values(values)))
        self.changed.set()

    def _targets(self, outgoing: Outgoing) -> list[tuple[str, str, timedelta]]:
        """Queue, state and wait for each copy."""
        now = timedelta(0)
        key = outgoing.routing_key
        match outgoing.exchange:
            case wire.DEAD_LETTERS:
                alerted = [(wire.ALERTING_QUEUE, READY, now)] if self._reads(wire.ALERTING_QUEUE) else []
                return [(key, DEAD, now), *alerted]
            case wire.DELAY:
                *digits, queue = key.split(".", LEVELS)
                return [(queue, READY, timedelta(seconds=int("".join(digits), 2)))]
        queues = [
            each.queue
            for each in self._subscriptions
            if each.exchange == outgoing.exchange and each.binding_key in {key, "#"}
        ]
        if not queues and outgoing.exchange == wire.JOBS:
            return [(wire.UNROUTED_QUEUE, DEAD, now)]
        return [(queue, READY, now) for queue in queues]

    def _reads(self, queue: str) -> bool:
        return any(each.queue == queue for each in self._subscriptions)

    def _row(self, outgoing: Outgoing, queue: str, state: str, wait: timedelta) -> dict[str, Any]:
        return {
            "queue": queue,
            "state": state,
            "due_at": datetime.now(UTC) + wait,
            "deliveries": 0,
            "exchange": outgoing.exchange,
            "routing_key": outgoing.routing_key,
            "body": outgoing.body,
            "headers": orjson.dumps(dict(outgoing.headers), default=str).decode(),
            "message_id": outgoing.message_id,
            "content_type": outgoing.content_type,
            "correlation_id": outgoing.correlation_id,
            "app_id": outgoing.app_id,
            "timestamp": outgoing.timestamp and outgoing.timestamp.astimezone(UTC),
        }


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        queue=row.queue,
        body=row.body,
        message_id=row.message_id,
        content_type=row.content_type,
        headers=orjson.loads(row.headers),
        exchange=row.exchange,
        routing_key=row.routing_key,
        tag=row.id,
        redelivered=row.deliveries > 0,
        correlation_id=row.correlation_id,
        app_id=row.app_id,
        timestamp=row.timestamp and row.timestamp.replace(tzinfo=UTC),
    )


def _dead(row: Row[Any]) -> DeadMessage:
    headers = orjson.loads(row.headers)
    reason = headers.get(wire.X_ERROR_TYPE, "Unrouted"), headers.get(wire.X_ERROR, "no service does this kind of job")
    return DeadMessage(row.id, row.queue, row.message_id, str(reason[0]), str(reason[1]))
