"""Done once: who may do a message, and what happened to it.

The inbox remembers finished work by (queue, message id). While a message is being done its row names the process
that does it; only that process finishes it. If the process dies, whoever gets the message next takes it over.
"""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, TextClause, insert

from postroom.runtime.inbox.liveness import Liveness
from postroom.runtime.inbox.statements import inbox_statements
from postroom.runtime.inbox.tables import DONE, HistoryRow
from postroom.storage.database import Database
from postroom.storage.group_commit import GroupCommit

SUSPECT_DEATHS = 2
"""A message whose workers died this often is done alone, so that a killer takes no neighbours with it."""

MOST_DEATHS = 5
"""A message whose workers died this often is not begun again."""

RETENTION = timedelta(days=7)
"""For how long finished work is remembered."""


class Key(NamedTuple):
    """What makes two deliveries the same work."""

    queue: str
    identity: str


class ClaimState(Enum):
    """What the inbox says of a message."""

    GRANTED = "granted to this process"
    DONE = "done"
    HELD = "held by another process that is alive"


@dataclass(frozen=True, slots=True)
class Claim:
    """The inbox's answer. `deaths` counts the workers that began this message and died before it was finished."""

    state: ClaimState
    deaths: int = 0

    @property
    def is_suspect(self) -> bool:
        """Whether this message may be what killed them. It counts as begun only from `Inbox.begin` on."""
        return self.deaths >= SUSPECT_DEATHS


@dataclass(frozen=True, slots=True)
class Begin:
    """The turn of a suspect, or of what waited, has come."""

    key: Key


@dataclass(frozen=True, slots=True)
class Rest:
    """What was claimed only waits for now."""

    key: Key


@dataclass(frozen=True, slots=True)
class Finish:
    """Work that ended. A failed message is forgotten, so that its next delivery is work again."""

    key: Key | None
    is_done: bool
    history: Mapping[str, Any] | None = None


class Inbox:
    """One process's view of its service's inbox.

    Attributes:
        history_added: set whenever there is new history; whoever publishes it clears it.
    """

    def __init__(self, database: Database, *, holder: str | None = None) -> None:
        self.holder = holder or uuid.uuid4().hex
        self.liveness = Liveness(database, self.holder)
        self._database = database
        self._commits = GroupCommit(database, self._commit)
        self._claimed_here: dict[Key, asyncio.Event] = {}
        self._sql = inbox_statements(database.is_sqlite)
        self.history_added = asyncio.Event()

    @property
    def is_failing(self) -> bool:
        """Whether the database is away at this moment."""
        return self._commits.is_failing

    async def claim(self, key: Key) -> Claim:
        """Ask for the right to do a message. While this process does the same one, wait for how that ends."""
        while (other := self._claimed_here.get(key)) is not None:
            await other.wait()
        self._claimed_here[key] = asyncio.Event()
        claim: Claim = Claim(ClaimState.HELD)
        try:
            claim = await self._commits.write(key)
        finally:
            if claim.state is not ClaimState.GRANTED:
                self._claimed_here.pop(key).set()
        return claim

    async def begin(self, key: Key) -> None:
        """Count a suspect, or what rested, as begun, now that its turn has come."""
        await self._commits.write(Begin(key))

    async def rest(self, key: Key) -> None:
        """Count a claimed message as not begun while it only waits: a worker that dies now did not die of it."""
        await self._commits.write(Rest(key))

    async def finish(self, finish: Finish) -> None:
        """Record how work ended. When this returns, it is committed."""
        try:
            await self._commits.write(finish)
            if finish.history:
                self.history_added.set()
        finally:
            if finish.key and finish.key in self._claimed_here:
                self._claimed_here.pop(finish.key).set()

    async def prune(self, now: datetime | None = None) -> None:
        """Forget work that was finished longer ago than RETENTION."""
        limit = (now or datetime.now(UTC)) - RETENTION
        # Some at a time, so that what the running messages write does not wait long.
        while await self._database.run(lambda connection: connection.execute(self._sql.prune, {"now": limit}).rowcount):
            pass

    def _commit(self, connection: Connection, writes: list[Key | Begin | Rest | Finish]) -> list[Claim | None]:
        finished = [write for write in writes if isinstance(write, Finish)]
        self._for_keys(connection, self._sql.done, [f.key for f in finished if f.key and f.is_done], now=True)
        self._for_keys(connection, self._sql.forget, [f.key for f in finished if f.key and not f.is_done])
        pending = {"holder": self.holder, "is_told": False}
        history = [{**finish.history, **pending} for finish in finished if finish.history]
        if history:
            connection.execute(insert(HistoryRow), history)
        self._for_keys(connection, self._sql.rest, [write.key for write in writes if isinstance(write, Rest)])
        self._for_keys(connection, self._sql.begin, [write.key for write in writes if isinstance(write, Begin)])
        claims = self._claim_all(connection, [write for write in writes if isinstance(write, Key)])
        return [claims[write] if isinstance(write, Key) else None for write in writes]

    def _claim_all(self, connection: Connection, keys: list[Key]) -> dict[Key, Claim]:
        inserted = self._for_keys(connection, self._sql.claim, keys)
        if inserted == len(keys):
            return dict.fromkeys(keys, Claim(ClaimState.GRANTED))
        # A row that goes away in between is looked at again with the next delivery.
        claims = dict.fromkeys(keys, Claim(ClaimState.HELD))
        for row in connection.execute(self._sql.look_up, {"keys": _as_json(keys)}):
            key = Key(row.queue, row.identity)
            if row.state == DONE:
                claims[key] = Claim(ClaimState.DONE)
            elif row.holder == self.holder:
                claims[key] = Claim(ClaimState.GRANTED, max(0, row.starts - 1))
            elif self.liveness.is_dead(row.holder):
                claims[key] = self._take_over(connection, key, row.holder, row.starts)
        return claims

    def _take_over(self, connection: Connection, key: Key, dead: str, starts: int) -> Claim:
        values = {"holder": self.holder, "dead": dead, "queue": key.queue, "identity": key.identity}
        begun = starts + 1 if starts < SUSPECT_DEATHS else starts
        taken = connection.execute(self._sql.take_over, {**values, "starts": begun})
        return Claim(ClaimState.GRANTED, starts) if taken.rowcount else Claim(ClaimState.HELD)

    def _for_keys(self, connection: Connection, statement: TextClause, keys: list[Key], *, now: bool = False) -> int:
        if not keys:
            return 0
        parameters = {"keys": _as_json(keys), "holder": self.holder} | ({"now": datetime.now(UTC)} if now else {})
        return connection.execute(statement, parameters).rowcount


def _as_json(keys: list[Key]) -> str:
    # Sorted, so that two processes that insert the same rows cannot wait for each other in a circle.
    return orjson.dumps([tuple(key) for key in sorted(keys)]).decode()
