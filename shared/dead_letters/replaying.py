"""Replay: dead letters go back to the queue they died in.

Each message is published to its work queue with a confirm, then acknowledged in the queue of dead letters. So
whenever the process or the broker is killed, every message is in at least one of the two. Those whose confirm
was on its way, at most WINDOW, may be in both; they have the same message id, and the inbox makes them one.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from aio_pika.abc import AbstractConnection, AbstractExchange
from aio_pika.exceptions import ChannelNotFoundEntity, DeliveryError
from aio_pika.exceptions import PublishError as ReturnedByBroker

from shared.dead_letters.connection import BROKER_ERRORS, connect, depth_of
from shared.dead_letters.copies import replayed
from shared.dead_letters.reading import Found, Reader, reading
from shared.dead_letters.selection import Outcome, Selection, Watch, is_meant
from shared.dead_letters.target import Target
from shared.errors import TopologyError
from shared.publishing.turns import Turns

WINDOW = 50
"""Publishes in flight at once: what a kill may leave in two places."""

CONFIRM_SECONDS = 15.0


@dataclass(slots=True)
class Pace:
    """At most `per_second` messages a second; None is as fast as the broker confirms."""

    per_second: float | None = None
    _next_at: float = field(default=0.0, init=False)

    async def wait(self, stop: asyncio.Event) -> None:
        """Until the next message may go, or `stop` is set."""
        if self.per_second is None:
            return
        now = asyncio.get_running_loop().time()
        pause = self._next_at - now
        self._next_at = max(self._next_at, now) + 1 / self.per_second
        if pause > 0:
            try:
                await asyncio.wait_for(stop.wait(), pause)
            except TimeoutError:
                return


async def replay(
    url: str, target: Target, selection: Selection, *, pace: Pace, watch: Watch, dry_run: bool = False
) -> Outcome:
    """Replay the selected messages that are in `target.source` now; those that die meanwhile stay.

    With `dry_run` nothing is published and `settled` counts what would be. Raises TopologyError when a queue is
    missing and BrokerUnavailable when there is no broker; what goes wrong later is told in `Outcome.problem`.
    """
    began = datetime.now(UTC)
    # During a memory or disk alarm the broker stops reading a connection that publishes, and its acks with it.
    async with connect(url) as reads, connect(url) as writes:
        if target.routing_key is not None:
            await depth_of(writes, target.routing_key)  # it must exist before the first message leaves
        outcome = Outcome(target.source, waiting=await depth_of(reads, target.source))
        run = _Run(target, writes, await _open_exchange(writes, target), outcome, watch)
        try:
            async with reading(reads, target) as reader, run:
                await run.go_through(reader, selection, began, pace=pace, dry_run=dry_run)
        except BROKER_ERRORS as error:
            run.fail(error)
    return outcome


async def _open_exchange(connection: AbstractConnection, target: Target) -> AbstractExchange:
    channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
    if not target.exchange:
        return channel.default_exchange
    try:
        return await channel.get_exchange(target.exchange, ensure=True)
    except ChannelNotFoundEntity:
        raise TopologyError(f"there is no exchange {target.exchange}; run `postroom topology apply`") from None


class _Run:
    """One replay under way."""

    def __init__(
        self,
        target: Target,
        connection: AbstractConnection,
        exchange: AbstractExchange,
        outcome: Outcome,
        watch: Watch,
    ) -> None:
        self._target = target
        self._connection = connection
        self._exchange = exchange
        self._outcome = outcome
        self._watch = watch
        self._moves: set[asyncio.Task[None]] = set()
        self._turns = Turns()
        self._taken_kinds: dict[str, bool] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._moves:
            await asyncio.wait(self._moves)

    async def go_through(
        self, reader: Reader, selection: Selection, began: datetime, *, pace: Pace, dry_run: bool
    ) -> None:
        """Look at each message that waited when the run began, and move the selected ones."""
        outcome, stop = self._outcome, self._watch.stop
        async for found in reader.take(outcome.waiting):
            if stop.is_set() or outcome.problem:
                break
            if is_meant(found, selection, began, outcome) and await self._is_taken(found):
                if dry_run:
                    outcome.settled += 1
                else:
                    await pace.wait(stop)
                    if stop.is_set():
                        break
                    await self._begin_move(reader, found)
            self._watch.progressed(outcome)
        outcome.is_stopped = stop.is_set()

    def fail(self, error: BaseException) -> None:
        """Remember why the run cannot go on; the first reason counts."""
        if not self._outcome.problem:
            self._outcome.problem = _explain(error, self._target)

    async def _begin_move(self, reader: Reader, found: Found) -> None:
        while len(self._moves) >= WINDOW:
            await asyncio.wait(self._moves, return_when=asyncio.FIRST_COMPLETED)
        move = asyncio.create_task(self._move(reader, found))
        self._moves.add(move)
        move.add_done_callback(self._moves.discard)

    async def _move(self, reader: Reader, found: Found) -> None:
        routing_key = self._target.routing_key or found.message.routing_key or ""
        try:
            async with self._turns.of(found.id), asyncio.timeout(CONFIRM_SECONDS):
                await self._exchange.publish(replayed(found), routing_key, mandatory=True)
            await reader.settle(found)
        except (*BROKER_ERRORS, TimeoutError) as error:
            self.fail(error)
        else:
            self._outcome.settled += 1
            self._watch.progressed(self._outcome)

    async def _is_taken(self, found: Found) -> bool:
        """Whether a queue takes it. A job published in vain would come straight back to `unrouted`."""
        if self._target.routing_key is not None:
            return True
        kind = found.message.routing_key or ""
        if kind not in self._taken_kinds:
            try:
                await depth_of(self._connection, kind or "a queue without name")
                self._taken_kinds[kind] = True
            except TopologyError:
                self._taken_kinds[kind] = False
        if not self._taken_kinds[kind]:
            self._outcome.refused[f"no queue takes {kind or 'a job without routing key'}"] += 1
        return self._taken_kinds[kind]


def _explain(error: BaseException, target: Target) -> str:
    if isinstance(error, ReturnedByBroker):
        return f"queue {target.routing_key} went away; its message was kept in {target.source}"
    if isinstance(error, DeliveryError):
        return f"the broker refused to store a message (queue full, or just deleted?); it was kept in {target.source}"
    if isinstance(error, TimeoutError):
        return (
            f"a message was not confirmed within {CONFIRM_SECONDS:g} s (a memory or disk alarm?); it was kept in "
            f"{target.source} and may be in both queues"
        )
    return (
        f"the connection was lost ({type(error).__name__}); nothing is gone, and at most {WINDOW} messages may be "
        "in both queues: their ids make them one"
    )
