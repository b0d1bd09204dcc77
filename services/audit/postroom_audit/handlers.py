"""Records every event."""

from datetime import timedelta

from postroom.wire.messages import (
    DeadLetterDiscarded,
    DeadLetterReplayed,
    JobFailed,
    JobMeasured,
    JobRecorded,
    SchedulerMeasured,
)
from postroom.wire.retries import RetryPolicy, exponential
from postroom.worker import Delivery, ProviderContact, Worker
from postroom_audit.dead_letters import letters_in
from postroom_audit.decoding import read_event, read_known
from postroom_audit.events import EventLog

worker = Worker("audit")

# Batches in the database are as large as what is in work. At most 200 of 256 KiB = 50 MiB.
PREFETCH = 200

# 12 tries wait 2 + 4 + … + 2048 s: 68 min. A database that is away uses none of them.
PATIENT = RetryPolicy(attempts=12, backoff=exponential(timedelta(seconds=2)))


def _nothing_to_remember(_delivery: Delivery) -> None:
    """Recording is idempotent by itself; the inbox would be two more writes for each event."""


@worker.overhears(prefetch=PREFETCH, retry=PATIENT, identity=_nothing_to_remember)
async def record_event(delivery: Delivery, log: EventLog) -> ProviderContact:
    """Record an event, also one that breaks its contract."""
    # The id that an event without one gets here distinguishes its later tries from another event with the same content.
    delivery.ensure_id()
    match read_known(delivery):
        case JobMeasured() as measured:
            await log.record_measurement(measured)
        case JobRecorded() as recorded:
            await log.record_tries(recorded)
        case JobFailed() | DeadLetterReplayed() | DeadLetterDiscarded() as event:
            await log.record(read_event(delivery))
            await log.record_letters(letters_in(event))
        case SchedulerMeasured():  # a heartbeat: nobody asks in a year how late a scheduler was in some minute
            return ProviderContact.NOT_ASKED  # the database
        case _:
            await log.record(read_event(delivery))
    return ProviderContact.ANSWERED
