"""Discarding dead letters, with a trace of who did it and why."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from shared import wire
from shared.dead_letters.connection import BROKER_ERRORS, connect, depth_of
from shared.dead_letters.operator import operator
from shared.dead_letters.reading import Found, Reader, reading
from shared.dead_letters.selection import Outcome, Selection, Watch, is_meant
from shared.dead_letters.target import Target
from shared.messages import DeadLetterDiscarded
from shared.publishing import Publisher

log = logging.getLogger(__name__)

_NAMED_AT_ONCE = 100  # message ids in one line of the log


async def discard(
    url: str, target: Target, selection: Selection, *, reason: str, watch: Watch, dry_run: bool = False
) -> Outcome:
    """Delete the selected messages that are in `target.source` now. Who, what and why go to the log first.

    Other programs are told (`dead-letter.discarded`) before a message is deleted. Raises like `replay`, and
    PublishError when the event is not confirmed: the messages stay then. What goes wrong on the way is told in
    `Outcome.problem`.
    """
    began = datetime.now(UTC)
    async with connect(url) as connection, Publisher(url, app_id="postroom dead") as publisher:
        outcome = Outcome(target.source, waiting=await depth_of(connection, target.source))
        try:
            async with reading(connection, target) as reader:
                await _go_through(
                    reader, selection, began, watch, _Deletion(reader, publisher, outcome, "" if dry_run else reason)
                )
        except BROKER_ERRORS as error:
            outcome.problem = f"the connection was lost ({type(error).__name__}); what was left is still there"
    return outcome


@dataclass(frozen=True, slots=True)
class _Deletion:
    """Deletes; without a reason it only counts."""

    reader: Reader
    publisher: Publisher
    outcome: Outcome
    reason: str

    async def of(self, meant: list[Found]) -> None:
        if meant and self.reason:
            who, queue = operator(), self.outcome.queue
            ids = [found.id for found in meant]
            log.warning("%s discards %d messages of %s: %s: %s", who, len(ids), queue, self.reason, " ".join(ids))
            await self.publisher.publish(
                DeadLetterDiscarded(
                    queue=queue.removesuffix(wire.DEAD_SUFFIX),
                    message_ids=ids,
                    by=who,
                    at=datetime.now(UTC),
                    reason=self.reason,
                )
            )
            for found in meant:
                await self.reader.settle(found)
        self.outcome.settled += len(meant)


async def _go_through(reader: Reader, selection: Selection, began: datetime, watch: Watch, deletion: _Deletion) -> None:
    outcome = deletion.outcome
    meant: list[Found] = []
    async for found in reader.take(outcome.waiting):
        if watch.stop.is_set():
            outcome.is_stopped = True
            break
        if is_meant(found, selection, began, outcome):
            meant.append(found)
        if len(meant) == _NAMED_AT_ONCE:
            await deletion.of(meant)
            meant = []
        watch.progressed(outcome)
    await deletion.of(meant)
    watch.progressed(outcome)
