"""Carries out what verdict.py decided, in one order for every outcome.

1. What stands for the message is published, and confirmed by the broker.
2. The inbox and the history are written, in one transaction.
3. The outcome is counted.
4. `job.completed` is published, and confirmed, where it is announced.
5. The delivery ends: acknowledged, given back, or left to the broker's own dead-lettering.

Only step 5 takes the message out of the broker's hands. Where a process dies, or a step fails or is cancelled:

- Before the confirm of 1, nothing has happened: the broker delivers the message again. It may have stored the copy all
  the same, as after 1.
- After 1, the copy and the message are both there, with the same id. Whichever is done first makes the other a
  duplicate; a message without an id is at least done once.
- After 2 of a message that was done, it comes again and the inbox says so: it is not done again, but announced.
- After 2 of one that failed, it is as after 1, and the history has this try twice.
- After 4, the message comes again as a duplicate, and the event is published again under the same id.

What the broker has taken back, because the channel was lost, comes again: a copy that was still published then would
stand beside it, and the history would have a failure of which nothing came.
"""

import asyncio
import logging
import time

from postroom.broker.publishing import Outgoing, Publisher
from postroom.privacy.masking import mask_text
from postroom.privacy.redaction import redact
from postroom.runtime.consuming.acknowledgement import Acknowledger
from postroom.runtime.history.measurements import Meter
from postroom.runtime.history.rows import history_row
from postroom.runtime.inbox import Finish, Inbox
from postroom.runtime.processing.copies import completed, replacement
from postroom.runtime.processing.verdict import TAKEN_BACK, Ending, InboxEntry, Publication, Verdict
from postroom.runtime.work import Work
from postroom.telemetry import metrics
from postroom.wire.errors import PublishError

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0
"""Between publishing again what was not confirmed."""


class Settlement:
    """Settles the deliveries of one queue.

    Args:
        queue: its name.
        inbox, publisher: shared by all queues of the process.

    Attributes:
        meter: counts the tries and how long they took.
    """

    def __init__(self, queue: str, inbox: Inbox, publisher: Publisher) -> None:
        self._inbox = inbox
        self._publisher = publisher
        self.meter = Meter()
        self._count = {
            outcome: metrics.MESSAGES.labels(queue, outcome)
            for outcome in ("done", "retried", "dead", "duplicate", "postponed", "returned")
        }

    async def apply(self, verdict: Verdict, work: Work, acks: Acknowledger) -> None:
        """Carry out a verdict. Raises what a step raises; the message is still the broker's then."""
        seconds = time.perf_counter() - work.began
        if verdict.failure is not None:
            work.delivery.ensure_id()  # under which the history has it, and which the copy carries
        _log(verdict, work)
        copy = replacement(work, verdict)
        if copy is not None and not await self._publish(copy, acks):
            verdict = TAKEN_BACK
        await self._record(verdict, work, seconds)
        self._count_outcome(verdict, seconds)
        if verdict.announces_completion and not await self._publish(completed(work.delivery), acks):
            return
        await _end(verdict.ending, work.delivery.tag, acks)

    async def give_back(self, verdict: Verdict, work: Work, acks: Acknowledger) -> None:
        """Carry out a verdict that publishes nothing, also after another was broken off: the message goes back."""
        try:
            # A second cancellation does not keep others from the message.
            await asyncio.shield(self._record(verdict, work, 0.0))
        except Exception:
            log.exception("The inbox still holds a message that goes back to the broker")
        finally:
            self._count_outcome(verdict, 0.0)
            await _end(verdict.ending, work.delivery.tag, acks)

    async def _publish(self, outgoing: Outgoing, acks: Acknowledger) -> bool:
        """Publish until it is confirmed, or until the broker has taken the original back."""
        pause = FIRST_PAUSE_SECONDS
        while not acks.is_gone:
            try:
                return await acks.until_gone(self._publisher.send(outgoing))
            except PublishError as error:
                log.warning("Not published yet: %s", redact(str(error)))
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        return False

    async def _record(self, verdict: Verdict, work: Work, seconds: float) -> None:
        key = None if verdict.inbox is InboxEntry.UNTOUCHED else work.key
        row = None
        if verdict.in_history and (outcome := verdict.outcome):
            wait = verdict.wait if verdict.publication is Publication.RETRY else None
            row = history_row(work, outcome, verdict.failure, wait=wait, seconds=seconds)
        if key is None and row is None:
            return
        await self._inbox.finish(Finish(key, verdict.inbox is InboxEntry.DONE, row))
        work.key = None  # held no more; what is claimed under it now is another delivery's

    def _count_outcome(self, verdict: Verdict, seconds: float) -> None:
        if verdict.counted_as is None:
            return
        self._count[verdict.counted_as].inc()
        if verdict.is_measured and (outcome := verdict.outcome):
            self.meter.count(outcome, seconds)


async def _end(ending: Ending, tag: int, acks: Acknowledger) -> None:
    match ending:
        case Ending.ACKNOWLEDGED:
            acks.done(tag)
        case Ending.DEAD_LETTERED:
            await acks.reject(tag)
        case Ending.REQUEUED:
            await acks.requeue(tag)
        case Ending.REQUEUED_AND_COUNTED:
            await acks.reject(tag, requeue=True)
        case Ending.TAKEN_BACK:
            pass


def _log(verdict: Verdict, work: Work) -> None:
    failure = verdict.failure
    if failure is None:
        return
    if verdict.publication is Publication.RETRY:
        log.info(
            "Try %d of %d failed, again in %d s: %s: %s",
            work.delivery.attempt, failure.attempts, verdict.wait.total_seconds(), failure.type_name,
            mask_text(failure.text),
        )  # fmt: skip
    else:
        log.warning("Dead letter: %s: %s", failure.type_name, mask_text(failure.text))
