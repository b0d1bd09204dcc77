"""Messages to decide on, and the verdicts that there are."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from postroom import wire
from postroom.runtime.failure import Failure
from postroom.runtime.inbox import Claim, ClaimState, Key
from postroom.runtime.processing.verdict import (
    Ending,
    InboxEntry,
    Publication,
    Verdict,
)
from postroom.runtime.work import Work
from postroom.testing import make_delivery
from postroom.wire.messages import Job, JobFailed
from postroom.wire.retries import RetryPolicy, exponential
from postroom.worker import Keep, Worker
from postroom.worker.delivery import read_message_options
from postroom.worker.registration import Subscription

ATTEMPTS = 3
FIRST_WAIT = timedelta(seconds=10)
MINUTE = timedelta(minutes=1)
POLICY = RetryPolicy(attempts=ATTEMPTS, backoff=exponential(FIRST_WAIT))


class Weigh(Job):
    """Weigh a letter."""

    kind: ClassVar[str] = "letter.weigh"


async def _handle(_message: Any) -> None: ...


def _subscriptions() -> dict[str, Subscription]:
    scales, alerting = Worker("scales"), Worker("alerting")
    scales.handles(Weigh, retry=POLICY)(_handle)
    scales.listens(JobFailed, retry=POLICY)(_handle)
    scales.overhears(retry=POLICY)(_handle)
    alerting.consumes(wire.ALERTING_QUEUE, retry=RetryPolicy(attempts=1), history=Keep.NEVER)(_handle)
    return {**scales.subscriptions, **alerting.subscriptions}


SUBSCRIPTIONS = _subscriptions()
WEIGH, JOB_FAILED, EVERYTHING = "letter.weigh", "scales.on.job.failed", "scales.on.all"
GRANTED = Claim(ClaimState.GRANTED)
REPLAYED = {wire.X_FAILED_AT: "2026-01-01T00:00:00Z", wire.X_ATTEMPT: ATTEMPTS}
TICK = {wire.X_SCHEDULE: "nightly"}


def make_work(
    queue: str = WEIGH,
    headers: dict[str, Any] | None = None,
    *,
    claim: Claim | None = GRANTED,
    history: Keep | None = None,
    **delivery: Any,
) -> Work:
    """A message that was read, and is held in the inbox."""
    subscription = SUBSCRIPTIONS[queue]
    if history is not None:
        subscription = replace(subscription, options=replace(subscription.options, history=history))
    made = make_delivery(Weigh(), queue=queue, headers=headers or {}, **delivery)
    options = read_message_options(made.headers)
    key = Key(queue, "test-1") if claim is not None and claim.state is ClaimState.GRANTED else None
    return Work(subscription, made, options, made, options.wait_left(made), claim, key)


DONE = Verdict(Ending.ACKNOWLEDGED, "done", inbox=InboxEntry.DONE, is_measured=True)
REQUEUED = Verdict(Ending.REQUEUED, "returned", inbox=InboxEntry.FORGOTTEN)


def retried(wait: timedelta = FIRST_WAIT, attempts: int = ATTEMPTS) -> Callable[[BaseException], Verdict]:
    return lambda error: Verdict(
        Ending.ACKNOWLEDGED,
        "retried",
        Publication.RETRY,
        wait,
        Failure(error, attempts),
        InboxEntry.FORGOTTEN,
        in_history=True,
        is_measured=True,
    )


def dead(attempts: int = ATTEMPTS) -> Callable[[BaseException], Verdict]:
    return lambda error: Verdict(
        Ending.ACKNOWLEDGED,
        "dead",
        Publication.DEAD_LETTER,
        failure=Failure(error, attempts),
        inbox=InboxEntry.FORGOTTEN,
        in_history=True,
        is_measured=True,
    )


def postponed(wait: timedelta, publication: Publication = Publication.POSTPONED) -> Verdict:
    return Verdict(Ending.ACKNOWLEDGED, "postponed", publication, wait)


def postponed_by_handler(wait: timedelta) -> Callable[[BaseException], Verdict]:
    return lambda _error: replace(postponed(wait), inbox=InboxEntry.FORGOTTEN)


def requeued(_error: BaseException) -> Verdict:
    return REQUEUED
