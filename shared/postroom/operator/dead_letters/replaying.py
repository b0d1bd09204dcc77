"""Replay: dead letters go back to the queue they died in.

1. Some messages are chosen, at most IDS_PER_EVENT.
2. The event `dead-letter.replayed` says who replays which. If it is not confirmed, nothing is moved.
3. Each is published to its work queue with a confirm, then acknowledged among the dead (replayer.py).

Whenever the process or the broker is killed, every message is in at least one of the two queues. Those that were
under way, at most WINDOW, may be in both: they have the same message id, and the inbox makes them one. The next run
moves what was left of them too, and from then on each is in one place. For messages that were published in
an event and not moved yet, at most IDS_PER_EVENT, that run publishes another event.

Only messages that waited when the run began are moved: they stand in front of those that die meanwhile, and no more
are taken than were counted. Should somebody else take some of them, so that the count reaches further, what this run
has replayed itself is known by its header `x-replay-run`.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from uuid import uuid4

from postroom import wire
from postroom.broker.plain_connection import connect
from postroom.operator.dead_letters.copies import replayed
from postroom.operator.dead_letters.editing import Edit
from postroom.operator.dead_letters.operator_name import operator_name
from postroom.operator.dead_letters.rate_limit import ReplayRate
from postroom.operator.dead_letters.reading import READ_ERRORS, QueuedDeadLetter, Reader, reading
from postroom.operator.dead_letters.replayer import MOVE_ERRORS, WINDOW, Replayer
from postroom.operator.dead_letters.selection import RunControl, RunOutcome, Selection, is_meant
from postroom.operator.dead_letters.target import ReplayTarget
from postroom.wire.messages import DeadLetterReplayed

log = logging.getLogger(__name__)


async def replay(
    url: str,
    target: ReplayTarget,
    selection: Selection,
    *,
    rate: ReplayRate,
    control: RunControl,
    dry_run: bool = False,
) -> RunOutcome:
    """Replay the selected messages that are in `target.source` now; those that die meanwhile stay.

    With `dry_run` nothing is published and `settled` counts what would be. Raises TopologyError when a queue is
    missing and BrokerUnavailable when there is no broker; what goes wrong later is in `RunOutcome.problem`.
    """
    return await _run(url, target, _ReplayRequest(selection, rate, dry_run), control)


async def replay_edited(
    url: str, target: ReplayTarget, selection: Selection, edit: Edit, *, control: RunControl, dry_run: bool = False
) -> RunOutcome:
    """Replay the one message that was edited, with its new body; `settled` is 0 if it is no longer there.

    Its id, its properties and its headers stay; what the body was, masked, goes to the event. Raises like `replay`.
    """
    return await _run(url, target, _ReplayRequest(selection, ReplayRate(), dry_run, edit), control)


@dataclass(frozen=True, slots=True)
class _ReplayRequest:
    """Which messages are replayed, and how."""

    selection: Selection
    rate: ReplayRate
    dry_run: bool = False
    edit: Edit | None = None

    @property
    def at_once(self) -> int:
        """How many messages go together."""
        return 1 if self.edit else self.rate.at_once

    def is_fulfilled(self, outcome: RunOutcome) -> bool:
        """Whether nothing is left to look for: an edit is of one message, also where two have its id."""
        return self.edit is not None and outcome.settled > 0


async def _run(url: str, target: ReplayTarget, request: _ReplayRequest, control: RunControl) -> RunOutcome:
    # During a memory or disk alarm the broker stops reading a connection that publishes, and its acks with it.
    async with connect(url) as reads, connect(url) as writes:
        replayer = await Replayer.open(writes, target)  # all there, before the first message leaves
        outcome = await RunOutcome.begin(reads, target, request.selection)
        try:
            async with (
                reading(reads, target, control.stop) as reader,
                _Run(replayer, reader, request, outcome, control) as run,
            ):
                await run.go_through()
        except READ_ERRORS as error:
            outcome.problem = outcome.problem or replayer.explain(error)
    outcome.is_stopped = control.stop.is_set()
    if not request.dry_run:
        log.warning(outcome.in_words("replayed"))
    return outcome


class _Run:
    """One replay under way."""

    def __init__(
        self, replayer: Replayer, reader: Reader, request: _ReplayRequest, outcome: RunOutcome, control: RunControl
    ) -> None:
        self._replayer = replayer
        self._reader = reader
        self._request = request
        self._outcome = outcome
        self._control = control
        self._id = uuid4().hex
        self._moves: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._arrival()

    async def go_through(self) -> None:
        """Look at each message that waited when the run began, and move the selected ones."""
        async for batch in self._reader.batches(self._outcome.waiting, self._request.rate.in_hand):
            await self._go_through(batch)
            await self._arrival()
            if self._must_end:
                break

    async def _go_through(self, batch: list[QueuedDeadLetter]) -> None:
        chosen: list[QueuedDeadLetter] = []
        for found in batch:
            if self._must_end:
                return
            if await self._is_meant(found):
                chosen.append(found)
            if len(chosen) == self._request.at_once:
                await self._send(chosen)
                chosen = []
            self._control.progressed(self._outcome)
        await self._send(chosen)

    @property
    def _must_end(self) -> bool:
        is_done = self._request.is_fulfilled(self._outcome)
        return is_done or self._control.stop.is_set() or bool(self._outcome.problem)

    async def _is_meant(self, found: QueuedDeadLetter) -> bool:
        if not is_meant(found, self._request.selection, self._outcome):
            return False
        if found.message.headers.get(wire.X_REPLAY_RUN) == self._id:
            self._outcome.died_again += 1
            return False
        edit = self._request.edit
        if edit and (found.id != edit.id or found.message.body != edit.old_body):
            self._outcome.not_selected += 1
            return False
        reason = await self._replayer.refuses(found)
        if reason:
            self._outcome.refused[reason] += 1
        return not reason

    async def _send(self, chosen: list[QueuedDeadLetter]) -> None:
        """Publish the event for these messages, then begin to move them."""
        if self._request.dry_run:
            self._outcome.settled += len(chosen)
            return
        if chosen and not self._must_end:
            await self._request.rate.wait(len(chosen), self._control.stop)
        if not chosen or self._must_end or not await self._is_published(chosen):
            return
        for found in chosen:
            await self._begin_move(found)
        if self._request.edit:
            await self._arrival()

    async def _is_published(self, chosen: list[QueuedDeadLetter]) -> bool:
        event = DeadLetterReplayed(
            queue=self._outcome.queue.removesuffix(wire.DEAD_SUFFIX),
            message_ids=[found.id for found in chosen],
            replays={found.id: found.letter.replays + 1 for found in chosen},
            by=operator_name(),
            at=datetime.now(UTC),
            was=self._request.edit.was if self._request.edit else None,
        )
        log.info("%s replays %d messages of %s: %s", event.by, len(chosen), event.queue, " ".join(event.message_ids))
        try:
            await self._replayer.publish(event)
        except MOVE_ERRORS as error:
            self._fail(error)
        return not self._outcome.problem

    async def _begin_move(self, found: QueuedDeadLetter) -> None:
        while len(self._moves) >= WINDOW:
            await asyncio.wait(self._moves, return_when=asyncio.FIRST_COMPLETED)
        move = asyncio.create_task(self._move(found))
        self._moves.add(move)
        move.add_done_callback(self._moves.discard)

    async def _arrival(self) -> None:
        """Until all that is under way has arrived, or failed."""
        if self._moves:
            await asyncio.wait(self._moves)

    async def _move(self, found: QueuedDeadLetter) -> None:
        edit = self._request.edit
        try:
            await self._replayer.move(self._reader, found, replayed(found, self._id, edit.new_body if edit else None))
        except MOVE_ERRORS as error:
            self._fail(error)
        else:
            self._outcome.settled += 1
            self._control.progressed(self._outcome)

    def _fail(self, error: BaseException) -> None:
        """Remember why the run cannot go on; the first reason counts."""
        self._outcome.problem = self._outcome.problem or self._replayer.explain(error)
