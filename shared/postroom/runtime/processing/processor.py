"""The life of one delivery, from the broker's hands to its acknowledgement.

1. A probe of `postroom topology check` is rejected, to be found in the dead queue.
2. What breaks the contract is buried: a dead letter that names the field.
3. What asks for a delay is put on the delay ladder; for a far moment, or one of its own, goes to the scheduler.
4. The inbox is asked: done before, acknowledged; held by another process, looked at again in two seconds.
5. What has killed too many workers is buried.
6. While the provider is away (circuit.py) it waits, held by this process. What has expired by then is buried.
7. The handler runs, within its time limit, in a task that a lost connection does not cancel.
8. Done: recorded, told if it was a tick's job or had been dead, then acknowledged. Failed: published to the ladder
   or to the dead letters with a confirm, then forgotten by the inbox, then acknowledged.

Whatever fails between two steps, the broker still has the message and delivers it again.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any

from postroom import wire
from postroom.broker.publishing import Outgoing, Publisher
from postroom.broker.topology import LONGEST_WAIT
from postroom.privacy.masking import mask_text
from postroom.privacy.redaction import redact
from postroom.runtime.circuit import CircuitBreaker
from postroom.runtime.consuming.acknowledgement import Acknowledger
from postroom.runtime.consuming.decoding import decode
from postroom.runtime.consuming.delivery import Delivery, read_message_options
from postroom.runtime.history.measurements import Meter, Outcome
from postroom.runtime.history.rows import history_row, is_recorded, is_reported
from postroom.runtime.inbox import MOST_DEATHS, ClaimState, Finish, Inbox, Key
from postroom.runtime.processing.copies import Failure, completed, dead_letter, deferred, postponed, retried
from postroom.runtime.processing.execution import Executor, Work
from postroom.runtime.registration import Adapters, Subscription
from postroom.telemetry import metrics
from postroom.telemetry.logs import LogContext, log_context
from postroom.telemetry.tracing import trace_id_of
from postroom.wire.errors import (
    InvalidMessage,
    InvalidPublish,
    KilledWorker,
    PermanentFailure,
    Postponed,
    PublishError,
    TemporaryFailure,
)

log = logging.getLogger(__name__)

LOOK_AGAIN = timedelta(seconds=2)
PAUSE_AFTER_MISTAKE_SECONDS = 1.0
CANCEL_SECONDS = 2.0
"""What a cancelled handler gets to clean up; after that the broker takes its message back anyway."""


class Processor:
    """Does the deliveries of one queue.

    Args:
        subscription: the queue and its handler.
        adapters: what the handler is given besides the message.
        inbox, publisher: shared by all queues of the process.
        alone: held while a message runs that may kill its worker; shared by all queues of the process.
        circuit: whether the provider is there; shared by all queues of the process.

    Attributes:
        meter: counts the tries and how long they took.
    """

    def __init__(
        self,
        subscription: Subscription,
        adapters: Adapters,
        *,
        inbox: Inbox,
        publisher: Publisher,
        alone: asyncio.Lock,
        circuit: CircuitBreaker,
    ) -> None:
        self._subscription = subscription
        self._options = subscription.options
        self._executor = Executor(subscription, adapters, circuit, inbox)
        self._inbox = inbox
        self._publisher = publisher
        self._alone = alone
        self._circuit = circuit
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_draining = False
        self.meter = Meter()
        self._count = {
            outcome: metrics.MESSAGES.labels(subscription.queue, outcome)
            for outcome in ("done", "retried", "dead", "duplicate", "postponed", "returned")
        }
        metrics.IN_WORK.labels(subscription.queue).set_function(lambda: len(self._tasks))

    @property
    def queue(self) -> str:
        """The queue whose deliveries these are."""
        return self._subscription.queue

    @property
    def prefetch(self) -> int:
        """How many deliveries may be in work at once."""
        return self._options.prefetch

    def take(self, delivery: Delivery, acks: Acknowledger) -> None:
        """Begin a delivery's life, in a task of its own."""
        acks.received(delivery.tag)
        self._start(self._give_back(delivery, acks) if self._is_draining else self._live(delivery, acks))

    async def drain(self, deadline: float) -> None:
        """Finish what is in work until `deadline` (event loop time); then give the rest back."""
        self._is_draining = True
        self._circuit.stop()  # what waits for its provider is given back
        loop = asyncio.get_running_loop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=max(0.0, deadline - loop.time()))
        if self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks, timeout=CANCEL_SECONDS)

    def _start(self, life: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(life)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _give_back(self, delivery: Delivery, acks: Acknowledger) -> None:
        self._count["returned"].inc()
        await acks.requeue(delivery.tag)

    async def _live(self, delivery: Delivery, acks: Acknowledger) -> None:
        log_context.set(LogContext(delivery.queue, delivery.message_id, trace_id_of(delivery.headers)))
        try:
            if wire.X_PROBE in delivery.headers and not delivery.exchange:
                await acks.reject(delivery.tag)
            elif await self._settle(delivery, acks):
                acks.done(delivery.tag)
        except asyncio.CancelledError:
            await self._give_back(delivery, acks)
            raise
        except Exception:
            # A mistake of ours, not the handler's. Each return counts a delivery, so the broker's net ends this.
            log.exception("Given back to the broker")
            await asyncio.sleep(PAUSE_AFTER_MISTAKE_SECONDS)
            await acks.reject(delivery.tag, requeue=True)

    async def _settle(self, delivery: Delivery, acks: Acknowledger) -> bool:
        """Whether the delivery may be acknowledged: its work, or the message that stands for it, is stored."""
        work = Work(delivery, acks, time.perf_counter())
        try:
            if self._subscription.model is not None:  # a raw reader's deliveries carry wishes to somebody else
                work.wishes = read_message_options(delivery.headers)
            work.message = self._read(delivery)
        except InvalidMessage as error:
            return await self._bury(work, Failure(error, attempts=1))
        if wait := work.wishes.wait_left(delivery):
            self._count["postponed"].inc()
            return await self._hand_over(self._waiting(work, wait), acks)
        identity = self._options.identity(delivery)
        if identity is None:
            return await self._do(work)
        return await self._do_once(work, Key(delivery.queue, identity))

    def _waiting(self, work: Work, wait: timedelta) -> Outgoing:
        """The copy that waits: at the scheduler where the delay ladder ends, or where `run-at` names a moment."""
        is_job = self._subscription.exchange == wire.JOBS
        if is_job and (work.wishes.run_at or wait > LONGEST_WAIT):
            with suppress(InvalidPublish):  # too large to travel inside another message
                return deferred(work.delivery, work.message.to_wire(), wait)
        return postponed(work.delivery, wait)

    def _read(self, delivery: Delivery) -> Any:
        if self._subscription.model is None:
            return delivery
        message = decode(delivery, self._subscription.model)
        delivery.message_id = message.message_id or None  # of a CloudEvent it stands in the body
        return message

    async def _do_once(self, work: Work, key: Key) -> bool:
        claim = await self._inbox.claim(key)
        if claim.state is ClaimState.DONE:
            self._count["duplicate"].inc()
            return await self._tell_done(work)
        if claim.state is ClaimState.HELD:
            self._count["postponed"].inc()
            return await self._hand_over(postponed(work.delivery, LOOK_AGAIN), work.acks)
        work.key = key
        try:
            if claim.deaths >= MOST_DEATHS:
                error = KilledWorker(f"{claim.deaths} workers died while they did this message")
                return await self._bury(work, Failure(error, claim.deaths))
            if not claim.is_suspect:
                return await self._do(work)
            async with self._alone:
                await self._inbox.begin(key)
                return await self._do(work)
        except BaseException:
            await asyncio.shield(self._inbox.finish(Finish(key, is_done=False)))
            raise

    async def _do(self, work: Work) -> bool:
        error = await self._executor.execute(work)
        if error is None:
            self._settled(work, "done")
            await self._remember(work, "done", None)
            return await self._tell_done(work)
        if isinstance(error, Postponed):
            return await self._postpone(work, error)
        work.delivery.ensure_id()  # under which its story is written; the copy carries it
        policy = work.wishes.retry_policy(self._options.retry)
        failure = Failure(error, policy.attempts)
        if isinstance(error, PermanentFailure) or work.delivery.attempt >= policy.attempts:
            return await self._bury(work, failure)
        wait = policy.backoff.after(work.delivery.attempt)
        if isinstance(error, TemporaryFailure) and error.retry_after is not None:
            wait = max(wait, error.retry_after)
        log.info(
            "Try %d of %d failed, again in %d s: %s: %s",
            work.delivery.attempt, policy.attempts, wait.total_seconds(), failure.type_name, mask_text(failure.text),
        )  # fmt: skip
        is_stored = await self._hand_over(retried(work.delivery, failure, self._subscription.service, wait), work.acks)
        if not is_stored:
            return await self._forget(work)
        self._settled(work, "retried")
        await self._remember(work, "retried", failure, wait)
        return True

    async def _tell_done(self, work: Work) -> bool:
        """Tell of a tick's job, and of what had been dead: of a raw reader's messages the headers are another's."""
        exchange, delivery = self._subscription.exchange, work.delivery
        is_ticks_job = exchange == wire.JOBS and wire.X_SCHEDULE in delivery.headers
        was_dead = self._subscription.model is not None and delivery.replays
        if not (is_ticks_job or was_dead):
            return True
        return await self._hand_over(completed(delivery), work.acks)

    def _settled(self, work: Work, outcome: Outcome) -> None:
        self._count[outcome].inc()
        if is_reported(work.delivery):
            self.meter.count(outcome, time.perf_counter() - work.began)

    async def _postpone(self, work: Work, postponement: Postponed) -> bool:
        self._count["postponed"].inc()
        log.debug("Postponed by %g s: %s", postponement.wait.total_seconds(), mask_text(str(postponement)))
        is_stored = await self._hand_over(postponed(work.delivery, postponement.wait), work.acks)
        await self._forget(work)
        return is_stored

    async def _bury(self, work: Work, failure: Failure) -> bool:
        delivery = work.delivery
        delivery.ensure_id()
        log.warning("Dead letter: %s: %s", failure.type_name, mask_text(failure.text))
        if delivery.queue == wire.ALERTING_QUEUE:
            # Alerting is told of every dead letter; its own go past it, by the broker's net.
            await self._remember(work, "dead", failure)
            await work.acks.reject(delivery.tag)
            self._settled(work, "dead")
            return False
        if not await self._hand_over(dead_letter(delivery, failure, self._subscription.service), work.acks):
            return await self._forget(work)
        self._settled(work, "dead")
        await self._remember(work, "dead", failure)
        return True

    async def _forget(self, work: Work) -> bool:
        """Nothing came of it here: it comes again, and nothing is told of this time."""
        if work.key is not None:
            await self._inbox.finish(Finish(work.key, is_done=False))
        return False

    async def _hand_over(self, outgoing: Outgoing, acks: Acknowledger) -> bool:
        """Publish until it is confirmed, or until the broker has taken the original back.

        A copy that was still published then would stand beside the original, which comes again.
        """
        pause = 0.5
        while not acks.is_gone:
            try:
                return await acks.until_gone(self._publisher.send(outgoing))
            except PublishError as error:
                log.warning("Not handed over yet: %s", redact(str(error)))
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
        return False

    async def _remember(
        self, work: Work, outcome: Outcome, failure: Failure | None, wait: timedelta | None = None
    ) -> None:
        subscription, history = self._subscription, None
        if is_recorded(subscription, work.delivery, failure):
            history = history_row(subscription, work, outcome, failure, wait)
        if work.key is not None or history is not None:
            await self._inbox.finish(Finish(work.key, outcome == "done", history))
