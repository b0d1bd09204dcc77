"""Discards dead letters, and records who did it and why.

Messages are taken in batches. The selected ones are named in the log and in `dead-letter.discarded`. Once the broker
has confirmed the event, they are deleted. Without its confirm, or when asked to stop before it, they stay.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from postroom import wire
from postroom.broker.plain_connection import connect
from postroom.broker.publishing import Publisher
from postroom.operator.dead_letters.operator_name import operator_name
from postroom.operator.dead_letters.reading import READ_ERRORS, QueuedDeadLetter, Reader, reading, why_ended
from postroom.operator.dead_letters.selection import RunControl, RunOutcome, Selection, is_meant
from postroom.operator.dead_letters.target import ReplayTarget
from postroom.wire.errors import PublishError
from postroom.wire.messages import DeadLetterDiscarded

log = logging.getLogger(__name__)

NAMED_AT_ONCE = 100
"""Messages in one line of the log and in one event: what a kill may leave published and not deleted."""


async def discard(
    url: str, target: ReplayTarget, selection: Selection, *, reason: str, control: RunControl, dry_run: bool = False
) -> RunOutcome:
    """Delete the selected messages that are in `target.source` now. First `dead-letter.discarded` says who and why.

    Raises like `replay`; what goes wrong on the way is in `RunOutcome.problem`.
    """
    async with connect(url) as connection, Publisher(url, app_id="postroom dead") as publisher:
        outcome = await RunOutcome.begin(connection, target, selection)
        try:
            async with reading(connection, target, control.stop) as reader:
                deletion = _Deletion(reader, publisher, outcome, "" if dry_run else reason)
                await _go_through(selection, control, deletion)
        except READ_ERRORS as error:
            outcome.problem = f"{why_ended(error)}; what was left is still there"
        except PublishError as error:
            outcome.problem = f"no event was published, so nothing more is deleted: {error}"
    outcome.is_stopped = control.stop.is_set()
    if not dry_run:
        log.warning(outcome.in_words("discarded"))
    return outcome


@dataclass(frozen=True, slots=True)
class _Deletion:
    """Deletes; without a reason it only counts."""

    reader: Reader
    publisher: Publisher
    outcome: RunOutcome
    reason: str

    async def of(self, meant: list[QueuedDeadLetter]) -> None:
        if meant and self.reason:
            who, queue = operator_name(), self.outcome.queue
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


async def _go_through(selection: Selection, control: RunControl, deletion: _Deletion) -> None:
    outcome = deletion.outcome
    async for batch in deletion.reader.batches(outcome.waiting, NAMED_AT_ONCE):
        meant = [found for found in batch if is_meant(found, selection, outcome)]
        if not control.stop.is_set():
            await deletion.of(meant)
        control.progressed(outcome)
