"""Handlers for dead letters, which are recorded, and for the events that settle them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError

from postroom import wire
from postroom.broker.publishing import Publisher
from postroom.wire.errors import BrokerUnavailable, PublishTimeout, Requeued
from postroom.wire.messages import DeadLetterDiscarded, DeadLetterReplayed, JobCompleted, JobFailed
from postroom.wire.retries import RetryPolicy, exponential
from postroom.worker import Delivery, Keep, Worker
from postroom_alerting.intake.dead_letters import death_of, read_failure
from postroom_alerting.intake.failures import FailureLog, FailureSettlement, RecordedFailure
from postroom_alerting.monitor.heartbeat_listeners import register_listeners
from postroom_alerting.notify.dispatcher import Dispatcher

log = logging.getLogger(__name__)

worker = Worker("alerting")
register_listeners(worker)

Result = TypeVar("Result")

_AWAY = (OperationalError, InterfaceError, OSError, TimeoutError, BrokerUnavailable, PublishTimeout)
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0

PATIENCE = timedelta(minutes=25)
"""How long to wait for a database or broker that is away. Then the message is returned to the broker, which would take
it back by itself after 30 minutes. RabbitMQ 3 dead-letters a message after 20 returns, so after 8 hours; RabbitMQ 4
does not count returns."""

# Batches in the database are as large as what is in work. At most 200 of 256 KiB = 50 MiB.
PREFETCH = 200

# 12 tries wait 2 + 4 + … + 2048 s: 68 min. A database that is away uses none of them.
_PATIENT = RetryPolicy(attempts=12, backoff=exponential(timedelta(seconds=2)))


# One try: a retry would arrive with alerting's own failure in the headers that describe the message's death. The
# handler itself waits for a database or broker that is away. Any other error is a bug, and the message goes to
# `alerting.dead`; so it does at the time limit, which ends a step that cannot be cancelled.
@worker.consumes(
    wire.ALERTING_QUEUE,
    identity=death_of,
    prefetch=PREFETCH,
    history=Keep.NEVER,
    retry=RetryPolicy(attempts=1),
    time_limit=PATIENCE + timedelta(minutes=2),
)
async def record_failure(
    delivery: Delivery, failures: FailureLog, dispatcher: Dispatcher, publisher: Publisher
) -> None:
    """Record a dead letter, wake the dispatcher, and publish `job.failed`."""
    failure = read_failure(delivery)
    if failure is None:
        return
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            await _record(failure, failures, dispatcher, publisher)
    except TimeoutError:
        log.warning("Still not recorded: given back to the broker, to be tried again")
        # The message itself goes back: a copy on the delay ladder would lack the headers that the broker wrote about
        # the death.
        raise Requeued("still not recorded") from None


async def _record(failure: RecordedFailure, failures: FailureLog, dispatcher: Dispatcher, publisher: Publisher) -> None:
    if await _patiently(lambda: failures.record(failure)):
        dispatcher.wake()
    # A listener of job.failed that fails would cause another job.failed, and so on for ever.
    if failure.kind != JobFailed.kind:
        await _patiently(lambda: publisher.publish(_event(failure), message_id=failure.id))


@worker.listens(JobCompleted, retry=_PATIENT, history=Keep.NEVER)
async def note_done(event: JobCompleted, failures: FailureLog, dispatcher: Dispatcher) -> None:
    """A message was done: if it had been dead, it is settled."""
    if event.replays and await failures.settle(FailureSettlement(event.queue, event.job_id, replays=event.replays)):
        dispatcher.wake()


@worker.listens(DeadLetterReplayed, retry=_PATIENT, history=Keep.NEVER)
async def note_replayed(event: DeadLetterReplayed, failures: FailureLog, dispatcher: Dispatcher) -> None:
    """A job that no queue took was published again: it is settled here, and may be done, dead or unrouted anew."""
    if event.queue != wire.UNROUTED_QUEUE:
        return  # what died in a queue is settled when it is done there
    settlements = [
        FailureSettlement(event.queue, each, replays=event.replays.get(each, 1)) for each in event.message_ids
    ]
    if any(await asyncio.gather(*map(failures.settle, settlements))):
        dispatcher.wake()


@worker.listens(DeadLetterDiscarded, retry=_PATIENT, history=Keep.NEVER)
async def note_discarded(event: DeadLetterDiscarded, failures: FailureLog, dispatcher: Dispatcher) -> None:
    """A person discarded dead letters: they are settled."""
    settlements = [FailureSettlement(event.queue, each, discarded_at=event.at) for each in event.message_ids]
    if any(await asyncio.gather(*map(failures.settle, settlements))):
        dispatcher.wake()


def _event(failure: RecordedFailure) -> JobFailed:
    return JobFailed(
        queue=failure.queue,
        job_id=failure.message_id,
        job_kind=failure.kind,
        error_type=failure.cause.error_type,
        error=failure.error,
        attempts=failure.attempts,
        replays=failure.replays,
        failed_at=failure.failed_at,
    )


async def _patiently(step: Callable[[], Awaitable[Result]]) -> Result:
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return await step()
        except _AWAY as error:
            log.warning("Not recorded yet (%s), again in %.1f s", type(error).__name__, pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
