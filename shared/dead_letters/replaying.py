"""Replay: dead letters go back to the queue they died in.

1. Some messages are chosen, at most TOLD_AT_ONCE.
2. Other programs are told who replays which (`dead-letter.replayed`). Not confirmed, nothing is moved.
3. Each is published to its work queue with a confirm, then acknowledged among the dead (moving.py).

Whenever the process or the broker is killed, every message is in at least one of the two queues. Those that were
under way, at most WINDOW, may be in both: they have the same message id, and the inbox makes them one. The next run
moves what was left of them too, and from then on each is in one place. What was told and not moved yet, at most
TOLD_AT_ONCE, is told again by that run.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from shared import wire
from shared.dead_letters.connection import BROKER_ERRORS, connect, depth_of
from shared.dead_letters.copies import replayed
from shared.dead_letters.editing import Edit
from shared.dead_letters.moving import MOVE_ERRORS, WINDOW, Road, explain
from shared.dead_letters.operator import operator
from shared.dead_letters.reading import Found, Reader, reading
from shared.dead_letters.selection import Outcome, Selection, Watch, is_meant
from shared.dead_letters.target import Target
from shared.messages import DeadLetterReplayed

log = logging.getLogger(__name__)

TOLD_AT_ONCE = 50
"""Messages named in one event: what a kill may leave told and not moved."""

_BATCHES_A_SECOND = 10
"""With a rate: how often some go, so that those told of wait no longer than a tenth of a second."""


@dataclass(slots=True)
class Pace:
    """At most `per_second` messages a second; None is as fast as the broker confirms."""

    per_second: float | None = None
    _next_at: float = field(default=0.0, init=False)

    @property
    def at_once(self) -> int:
        """How many messages go together."""
        if self.per_second is None:
            return TOLD_AT_ONCE
        return max(1, min(TOLD_AT_ONCE, int(self.per_second / _BATCHES_A_SECOND)))

    async def wait(self, count: int, stop: asyncio.Event) -> None:
        """Until the next `count` messages may go, or `stop` is set."""
        if self.per_second is None:
            return
        now = asyncio.get_running_loop().time()
        pause = self._next_at - now
        self._next_at = max(self._next_at, now) + count / self.per_second
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
    outcome = await _run(url, target, _Wish(selection, pace, dry_run), watch)
    if not dry_run:
        _log(outcome)
    return outcome


async def replay_edited(url: str, target: Target, edit: Edit, *, watch: Watch) -> Outcome:
    """Replay the one message that was edited, with its new body; `settled` is 0 if it is no longer there.

    Its id, its properties and its headers stay; what the body was, masked, goes to the event. Raises like `replay`.
    """
    outcome = await _run(url, target, _Wish(Selection(frozenset({edit.id})), Pace(), edit=edit), watch)
    _log(outcome)
    return outcome


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be replayed, and how."""

    selection: Selection
    pace: Pace
    dry_run: bool = False
    edit: Edit | None = None

    def is_fulfilled(self, outcome: Outcome) -> bool:
        """Whether nothing is left to look for: an edit is of one message, also where two have its id."""
        return self.edit is not None and outcome.settled > 0


async def _run(url: str, target: Target, wish: _Wish, watch: Watch) -> Outcome:
    began = datetime.now(UTC)
    # During a memory or disk alarm the broker stops reading a connection that publishes, and its acks with it.
    async with connect(url) as reads, connect(url) as writes:
        road = await Road.open(writes, target)  # all there, before the first message leaves
        outcome = Outcome(target.source, waiting=await depth_of(reads, target.source))
        try:
            async with reading(reads, target) as reader, _Run(target, road, reader, outcome, watch) as run:
                await run.go_through(wish, began)
        except BROKER_ERRORS as error:
            outcome.problem = outcome.problem or explain(error, target)
    return outcome


def _log(outcome: Outcome) -> None:
    log.warning(
        "%s replayed %d of %d messages of %s%s",
        operator(), outcome.settled, outcome.waiting, outcome.queue,
        f", then: {outcome.problem}" if outcome.problem else "",
    )  # fmt: skip


class _Run:
    """One replay under way."""

    def __init__(self, target: Target, road: Road, reader: Reader, outcome: Outcome, watch: Watch) -> None:
        self._target = target
        self._road = road
        self._reader = reader
        self._outcome = outcome
        self._watch = watch
        self._moves: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._moves:
            await asyncio.wait(self._moves)

    async def go_through(self, wish: _Wish, began: datetime) -> None:
        """Look at each message that waited when the run began, and move the selected ones."""
        chosen: list[Found] = []
        async for found in self._reader.take(self._outcome.waiting):
            if self._must_end or wish.is_fulfilled(self._outcome):
                break
            if await self._is_meant(found, wish, began):
                chosen.append(found)
            if len(chosen) == wish.pace.at_once or (chosen and wish.edit):
                await self._send(chosen, wish)
                chosen = []
            self._watch.progressed(self._outcome)
        await self._send(chosen, wish)
        self._outcome.is_stopped = self._watch.stop.is_set()

    @property
    def _must_end(self) -> bool:
        return self._watch.stop.is_set() or bool(self._outcome.problem)

    async def _is_meant(self, found: Found, wish: _Wish, began: datetime) -> bool:
        if not is_meant(found, wish.selection, began, self._outcome):
            return False
        if wish.edit and found.message.body != wish.edit.old_body:
            self._outcome.not_selected += 1
            return False
        reason = await self._road.refuses(found)
        if reason:
            self._outcome.refused[reason] += 1
        return not reason

    async def _send(self, chosen: list[Found], wish: _Wish) -> None:
        """Tell of these messages, and let each go."""
        if wish.dry_run:
            self._outcome.settled += len(chosen)
            return
        if chosen and not self._must_end:
            await wish.pace.wait(len(chosen), self._watch.stop)
        if not chosen or self._must_end or not await self._is_told(chosen, wish.edit):
            return
        for found in chosen:
            await self._begin_move(found, wish.edit)
        if wish.edit:
            await asyncio.wait(self._moves)

    async def _is_told(self, chosen: list[Found], edit: Edit | None) -> bool:
        event = DeadLetterReplayed(
            queue=self._target.source.removesuffix(wire.DEAD_SUFFIX),
            message_ids=[found.id for found in chosen],
            by=operator(),
            at=datetime.now(UTC),
            was=edit.was if edit else None,
        )
        log.info("%s replays %d messages of %s: %s", event.by, len(chosen), event.queue, " ".join(event.message_ids))
        try:
            await self._road.tell(event)
        except MOVE_ERRORS as error:
            self._fail(error)
        return not self._outcome.problem

    async def _begin_move(self, found: Found, edit: Edit | None) -> None:
        while len(self._moves) >= WINDOW:
            await asyncio.wait(self._moves, return_when=asyncio.FIRST_COMPLETED)
        move = asyncio.create_task(self._move(found, edit))
        self._moves.add(move)
        move.add_done_callback(self._moves.discard)

    async def _move(self, found: Found, edit: Edit | None) -> None:
        try:
            await self._road.move(self._reader, found, replayed(found, edit.new_body if edit else None))
        except MOVE_ERRORS as error:
            self._fail(error)
        else:
            self._outcome.settled += 1
            self._watch.progressed(self._outcome)

    def _fail(self, error: BaseException) -> None:
        """Remember why the run cannot go on; the first reason counts."""
        self._outcome.problem = self._outcome.problem or explain(error, self._target)
