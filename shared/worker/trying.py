"""One try of a message: its handler, within its time limit, while its provider is there."""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.errors import Expired, InvalidMessage, JobError, Postponed, ProviderUnavailable, TimeLimitExceeded
from shared.inbox import Inbox, Key
from shared.redaction import redact
from shared.telemetry import metrics
from shared.telemetry.tracing import continued_trace
from shared.worker.acknowledgement import Acknowledger
from shared.worker.circuit import Circuit
from shared.worker.delivery import NO_WISHES, Delivery, Wishes
from shared.worker.registration import Adapters, Subscription

log = logging.getLogger(__name__)

LONGEST_HOLD = timedelta(minutes=10)
"""For how long a message is held while its provider is away; then it goes round the delay ladder once, so that the
broker's acknowledgement time-out of 30 minutes is never met, however many wait for their turn."""
COME_BACK = timedelta(seconds=2)


@dataclass(slots=True)
class Work:
    """A delivery on its way through the steps."""

    delivery: Delivery
    acks: Acknowledger
    began: float  # time.perf_counter()
    wishes: Wishes = NO_WISHES
    message: Any = None
    key: Key | None = None  # set while this process holds it in the inbox


class Tries:
    """Tries the messages of one queue.

    Args:
        subscription: the queue and its handler.
        adapters: what the handler is given besides the message.
        circuit: whether the provider is there; shared by all queues of the process.
        inbox: told what waits and what is begun.
    """

    def __init__(self, subscription: Subscription, adapters: Adapters, circuit: Circuit, inbox: Inbox) -> None:
        self._handler = subscription.bind(adapters)
        self._time_limit = subscription.options.time_limit
        self._circuit = circuit if subscription.options.needs_provider else Circuit()
        self._inbox = inbox
        self._seconds = metrics.SECONDS.labels(subscription.queue)

    async def run(self, work: Work) -> Exception | None:
        """The handler's answer: None, or why it failed. An absent provider is waited for, which is no failure."""
        circuit, failed_at_closing = self._circuit, -1
        while True:
            try:
                is_probe = circuit.is_open and await self._admitted(work)
            except TimeoutError:
                return Postponed("its provider is away", wait=COME_BACK)
            if work.wishes.has_expired(time.time()):
                circuit.undecided(is_probe=is_probe)
                return Expired("expires-at has passed; it was not done late")
            try:
                error = await self._run_handler(work)
            except BaseException:
                circuit.undecided(is_probe=is_probe)
                raise
            if not isinstance(error, ProviderUnavailable):
                if error is None or _provider_answered(error):
                    circuit.passed(is_probe=is_probe)
                else:
                    circuit.undecided(is_probe=is_probe)
                return error
            if failed_at_closing not in (-1, circuit.closings):
                circuit.undecided(is_probe=is_probe)
                return error  # others got through meanwhile: it is this message
            failed_at_closing = circuit.closings
            circuit.refused(redact(str(error)), error.retry_after, is_probe=is_probe)

    async def _admitted(self, work: Work) -> bool:
        """Wait for the turn to try, see Circuit.admitted. Raises TimeoutError after LONGEST_HOLD."""
        # A worker that is killed while its messages only wait was killed by none of them.
        if work.key is not None:
            await self._inbox.rest(work.key)
        async with asyncio.timeout(work.delivery.received_at + LONGEST_HOLD.total_seconds() - time.time()):
            is_probe = await self._circuit.admitted()
        if work.key is not None:
            await self._begin(work.key, is_probe=is_probe)
        return is_probe

    async def _begin(self, key: Key, *, is_probe: bool) -> None:
        try:
            await self._inbox.begin(key)
        except BaseException:
            self._circuit.undecided(is_probe=is_probe)
            raise

    async def _run_handler(self, work: Work) -> Exception | None:
        work.began = time.perf_counter()
        limit = asyncio.timeout(self._time_limit.total_seconds())
        delivery = work.delivery
        try:
            with continued_trace(delivery.headers, delivery.queue, delivery.message_id, delivery.attempt):
                async with limit:
                    await self._handler(work.message, delivery)
        except Exception as error:
            if limit.expired():
                seconds = self._time_limit.total_seconds()
                return TimeLimitExceeded(f"not finished within its time limit of {seconds:g} s")
            if not isinstance(error, JobError | OSError):
                log.warning("The handler failed", exc_info=error)
            return error
        finally:
            self._seconds.observe(time.perf_counter() - work.began)
        return None


def _provider_answered(error: Exception) -> bool:
    """Whether a failure shows that the provider is there: an invalid message, for one, never got so far."""
    silent = InvalidMessage | Expired | Postponed | TimeLimitExceeded
    return isinstance(error, JobError) and not isinstance(error, silent)
