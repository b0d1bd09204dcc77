"""What becomes of a delivery: decided here once for every outcome, from what is known, without any I/O.

settlement.py carries it out.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Literal

from postroom import wire
from postroom.broker.topology import LONGEST_WAIT
from postroom.runtime.failure import Failure
from postroom.runtime.history.measurements import Outcome
from postroom.runtime.history.rows import is_recorded, is_reported
from postroom.runtime.inbox import MOST_DEATHS, Claim, ClaimState
from postroom.runtime.work import Work
from postroom.wire.errors import KilledWorker, PermanentFailure, Postponed, Requeued, TemporaryFailure

CLAIM_RETRY = timedelta(seconds=2)
"""After this a message that another process holds is looked at again."""


class Publication(Enum):
    """What is published to stand for the message."""

    NOTHING = auto()
    RETRY = auto()  # its next try, through the delay ladder
    DEAD_LETTER = auto()
    POSTPONED = auto()  # the same message, through the delay ladder, no try used
    DEFERRED = auto()  # the same message, by the scheduler


class InboxEntry(Enum):
    """What becomes of the message's row in the inbox, where this process holds it."""

    UNTOUCHED = auto()
    DONE = auto()
    FORGOTTEN = auto()  # its next delivery is work again


class Ending(Enum):
    """How the delivery ends."""

    ACKNOWLEDGED = auto()
    DEAD_LETTERED = auto()  # rejected: the broker itself dead-letters it
    REQUEUED = auto()
    REQUEUED_AND_COUNTED = auto()  # rejected: towards the delivery limit, also on RabbitMQ 4
    TAKEN_BACK = auto()  # by the broker, with its channel: there is nothing left to end


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done with a delivery; `Settlement.apply` does it.

    Attributes:
        ending: how the delivery ends, once all else is stored.
        counted_as: its label in the metrics; None counts it nowhere.
        publication: what stands for the message from now on.
        wait: how long that waits.
        failure: why the try failed, for what is published and recorded.
        inbox: what becomes of its row.
        in_history: whether the try is recorded.
        is_measured: whether the try and its duration go into `job.measured`.
        announces_completion: whether `job.completed` is published.
    """

    ending: Ending
    counted_as: Outcome | Literal["duplicate", "postponed", "returned"] | None = None
    publication: Publication = Publication.NOTHING
    wait: timedelta = timedelta(0)
    failure: Failure | None = None
    inbox: InboxEntry = InboxEntry.UNTOUCHED
    in_history: bool = False
    is_measured: bool = False
    announces_completion: bool = False

    @property
    def outcome(self) -> Outcome | None:
        """The outcome of the try; None where there was none, or it does not count as one."""
        match self.counted_as:
            case "done" | "retried" | "dead":
                return self.counted_as
        return None


TAKEN_BACK = Verdict(Ending.TAKEN_BACK, inbox=InboxEntry.FORGOTTEN)
"""The broker has taken the message back before what stands for it was confirmed: it comes again."""

INTERNAL_ERROR = Verdict(Ending.REQUEUED_AND_COUNTED, inbox=InboxEntry.FORGOTTEN)
"""A mistake of ours, not the handler's, or a step that could not be done. The broker's delivery limit ends this."""


def decide_early(work: Work) -> Verdict | None:
    """The verdict on a message whose handler is not to be called; None as far as nothing stands in its way."""
    if wire.X_PROBE in work.delivery.headers and not work.delivery.exchange:
        return Verdict(Ending.DEAD_LETTERED)  # of `postroom topology check`, which looks for it in the dead queue
    if work.wait:
        return _postponed(work.wait, Publication.DEFERRED if _is_for_scheduler(work) else Publication.POSTPONED)
    match work.claim:
        case Claim(state=ClaimState.DONE):
            return Verdict(Ending.ACKNOWLEDGED, "duplicate", announces_completion=_announces_completion(work))
        case Claim(state=ClaimState.HELD):
            return _postponed(CLAIM_RETRY)
        case Claim(deaths=deaths) if deaths >= MOST_DEATHS:
            return _dead(work, Failure(KilledWorker(f"{deaths} workers died while they did this message"), deaths))
    return None


def decide(work: Work, error: BaseException | None) -> Verdict:
    """The verdict on a message whose handler ended with `error`, or which broke its contract, or was cancelled."""
    match error:
        case None:
            return _done(work)
        case Requeued() | asyncio.CancelledError():
            return Verdict(Ending.REQUEUED, "returned", inbox=InboxEntry.FORGOTTEN)
        case Postponed():
            return _postponed(error.wait, inbox=InboxEntry.FORGOTTEN)
    attempts = work.retry_policy.attempts if work.message is not None else 1  # else nobody could read it
    failure = Failure(error, attempts)
    if isinstance(error, PermanentFailure) or work.delivery.attempt >= attempts:
        return _dead(work, failure)
    return _retried(work, failure)


def _done(work: Work) -> Verdict:
    return Verdict(
        Ending.ACKNOWLEDGED,
        "done",
        inbox=InboxEntry.DONE,
        in_history=is_recorded(work.subscription, work.delivery, None),
        is_measured=is_reported(work.delivery),
        announces_completion=_announces_completion(work),
    )


def _retried(work: Work, failure: Failure) -> Verdict:
    wait = work.retry_policy.backoff.after(work.delivery.attempt)
    if isinstance(failure.error, TemporaryFailure) and failure.error.retry_after is not None:
        wait = max(wait, failure.error.retry_after)
    return Verdict(
        Ending.ACKNOWLEDGED,
        "retried",
        Publication.RETRY,
        wait,
        failure,
        InboxEntry.FORGOTTEN,
        in_history=is_recorded(work.subscription, work.delivery, failure),
        is_measured=is_reported(work.delivery),
    )


def _dead(work: Work, failure: Failure) -> Verdict:
    # Alerting reads every dead letter; its own go past it, by the broker's own dead-lettering.
    is_alertings = work.delivery.queue == wire.ALERTING_QUEUE
    return Verdict(
        Ending.DEAD_LETTERED if is_alertings else Ending.ACKNOWLEDGED,
        "dead",
        Publication.NOTHING if is_alertings else Publication.DEAD_LETTER,
        failure=failure,
        inbox=InboxEntry.FORGOTTEN,
        in_history=is_recorded(work.subscription, work.delivery, failure),
        is_measured=is_reported(work.delivery),
    )


def _postponed(
    wait: timedelta,
    publication: Publication = Publication.POSTPONED,
    *,
    inbox: InboxEntry = InboxEntry.UNTOUCHED,
) -> Verdict:
    return Verdict(Ending.ACKNOWLEDGED, "postponed", publication, wait, inbox=inbox)


def _is_for_scheduler(work: Work) -> bool:
    """Whether it waits where the delay ladder ends, or for a moment of its own."""
    return work.subscription.exchange == wire.JOBS and (work.options.run_at is not None or work.wait > LONGEST_WAIT)


def _announces_completion(work: Work) -> bool:
    """Of a tick's job, and of what had been dead. A raw reader's messages carry headers about something else."""
    is_ticks_job = work.subscription.exchange == wire.JOBS and wire.X_SCHEDULE in work.delivery.headers
    was_dead = work.subscription.model is not None and work.delivery.replays > 0
    return is_ticks_job or was_dead
