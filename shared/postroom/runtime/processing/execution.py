"""One try of a message: its handler, within its time limit, while its provider is there."""

import asyncio
import logging
import time
from datetime import timedelta

from postroom.privacy.redaction import redact
from postroom.runtime.circuit import CircuitBreaker
from postroom.runtime.consuming.acknowledgement import Acknowledger
from postroom.runtime.inbox import Inbox, Key
from postroom.runtime.processing.poison import PoisonDetector
from postroom.runtime.work import Work
from postroom.telemetry import metrics
from postroom.telemetry.tracing import continued_trace
from postroom.wire.errors import (
    Expired,
    JobError,
    Postponed,
    ProviderUnavailable,
    Requeued,
    TemporaryFailure,
    TimeLimitExceeded,
)
from postroom.worker.registration import Adapters, ProviderContact, Subscription

log = logging.getLogger(__name__)

LONGEST_HOLD = timedelta(minutes=10)
"""For how long a message is held while its provider is away; then it goes round the delay ladder once, so that the
broker's acknowledgement time-out of 30 minutes is never met, however many wait for their turn."""
COME_BACK = timedelta(seconds=2)


class Executor:
    """Runs the handler of one queue's messages.

    Args:
        subscription: the queue and its handler.
        adapters: what the handler is given besides the message.
        circuit: whether the provider is there; shared by all queues of the process.
        inbox: keeps what waits and what is begun.
    """

    def __init__(self, subscription: Subscription, adapters: Adapters, circuit: CircuitBreaker, inbox: Inbox) -> None:
        self._handler = subscription.bind(adapters)
        self._time_limit = subscription.options.time_limit
        self._needs_provider = subscription.options.needs_provider
        self._circuit = circuit
        self._inbox = inbox
        self._seconds = metrics.SECONDS.labels(subscription.queue)

    async def execute(self, work: Work, acks: Acknowledger) -> Exception | None:
        """How it ended: None when the work is done, or the error.

        A provider that is away is waited for, which is no failure; unless it is this message, see PoisonDetector.
        """
        if not self._needs_provider:
            return _error_of(await self._run_handler(work))
        error: Exception | None = None
        poison = PoisonDetector(self._circuit)
        while True:
            try:
                is_probe = self._circuit.is_open and await self._admitted(work, acks, has_failed=error is not None)
            except Requeued as stopped:
                return stopped
            except TimeoutError:
                return Postponed("its provider is away", wait=COME_BACK)
            if error is not None and not is_probe and poison.record_recovery():
                return error
            error = await self._try(work, is_probe=is_probe)
            if not self._shows_outage(error):
                return error
            poison.record_outage(is_probe=is_probe)

    async def _try(self, work: Work, *, is_probe: bool) -> Exception | None:
        """One try, whose end is recorded in the circuit."""
        circuit = self._circuit
        try:
            end = await self._run_handler(work)
        except BaseException:
            circuit.record_inconclusive(is_probe=is_probe)
            raise
        error = _error_of(end)
        if self._shows_outage(error):
            retry_after = error.retry_after if isinstance(error, TemporaryFailure) else None
            circuit.record_outage(redact(str(error)), retry_after, is_probe=is_probe)
        elif _shows_answer(end):
            circuit.record_success(is_probe=is_probe)
        else:
            circuit.record_inconclusive(is_probe=is_probe)
        return error

    def _shows_outage(self, error: Exception | None) -> bool:
        # What waits in vain for a connection while nobody gets one has not failed by itself either.
        is_late = isinstance(error, TimeLimitExceeded) and self._circuit.is_open
        return isinstance(error, ProviderUnavailable) or is_late

    async def _admitted(self, work: Work, acks: Acknowledger, *, has_failed: bool) -> bool:
        """Wait for the turn to try. Raises like CircuitBreaker.admit, and TimeoutError after LONGEST_HOLD."""
        # A worker that is killed while its messages only wait was killed by none of them.
        if work.key is not None:
            await self._inbox.rest(work.key)
        gone = acks.gone()  # what the broker has taken back comes again, and waits then
        try:
            async with asyncio.timeout(work.delivery.received_at + LONGEST_HOLD.total_seconds() - time.time()):
                is_probe = await self._circuit.admit(has_failed=has_failed, unless=gone)
        finally:
            gone.cancel()
        if work.key is not None:
            await self._begin(work.key, is_probe=is_probe)
        return is_probe

    async def _begin(self, key: Key, *, is_probe: bool) -> None:
        try:
            await self._inbox.begin(key)
        except BaseException:
            self._circuit.record_inconclusive(is_probe=is_probe)
            raise

    async def _run_handler(self, work: Work) -> ProviderContact | Exception:
        if work.options.has_expired(time.time()):
            return Expired("expires-at has passed; it was not done late")
        work.began = time.perf_counter()
        limit = asyncio.timeout(self._time_limit.total_seconds())
        delivery = work.delivery
        try:
            with continued_trace(delivery.headers, delivery.queue, delivery.message_id, delivery.attempt):
                async with limit:
                    result = await self._handler(work.message, delivery)
        except Exception as error:
            if limit.expired():
                seconds = self._time_limit.total_seconds()
                return TimeLimitExceeded(f"not finished within its time limit of {seconds:g} s")
            if not isinstance(error, JobError | OSError):
                log.warning("The handler failed", exc_info=error)
            return error
        finally:
            self._seconds.observe(time.perf_counter() - work.began)
        return result or ProviderContact.ANSWERED


def _error_of(end: ProviderContact | Exception) -> Exception | None:
    return end if isinstance(end, Exception) else None


def _shows_answer(end: ProviderContact | Exception) -> bool:
    if isinstance(end, Exception):
        return isinstance(end, JobError) and end.provider_answered
    return end is ProviderContact.ANSWERED
