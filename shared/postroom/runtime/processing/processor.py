"""The life of one delivery, from the broker's hands to its end.

1. A probe of `postroom topology check` is rejected, to be found in the dead queue.
2. What breaks the contract becomes a dead letter that names the field.
3. What asks for a delay is put on the delay ladder; for a far moment, or one of its own, goes to the scheduler.
4. The inbox is asked: done before, acknowledged; held by another process, looked at again in two seconds.
5. What has killed too many workers becomes a dead letter.
6. While the provider is away (circuit) it waits, held by this process. What has expired by then becomes a dead letter.
7. The handler runs, within its time limit, in a task that a lost connection does not cancel.

What becomes of it after any of these, verdict.py decides, and settlement.py does it, in one order. Whatever fails in
between, the broker still has the message and delivers it again.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from postroom.broker.publishing import Publisher
from postroom.privacy.masking import mask_text
from postroom.runtime.circuit import CircuitBreaker
from postroom.runtime.consuming.acknowledgement import Acknowledger
from postroom.runtime.consuming.decoding import decode
from postroom.runtime.history.measurements import Meter
from postroom.runtime.inbox import ClaimState, Inbox, Key
from postroom.runtime.processing.execution import Executor
from postroom.runtime.processing.settlement import Settlement
from postroom.runtime.processing.verdict import INTERNAL_ERROR, Verdict, decide, decide_early
from postroom.runtime.work import Work
from postroom.telemetry import metrics
from postroom.telemetry.logs import LogContext, log_context
from postroom.telemetry.tracing import trace_id_of
from postroom.wire.errors import InvalidMessage, Postponed, Requeued
from postroom.worker.delivery import Delivery, read_message_options
from postroom.worker.registration import Adapters, Subscription

log = logging.getLogger(__name__)

PAUSE_AFTER_ERROR_SECONDS = 1.0
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
        self._executor = Executor(subscription, adapters, circuit, inbox)
        self._settlement = Settlement(subscription.queue, inbox, publisher)
        self._inbox = inbox
        self._alone = alone
        self._circuit = circuit
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_draining = False
        metrics.IN_WORK.labels(subscription.queue).set_function(lambda: len(self._tasks))

    @property
    def queue(self) -> str:
        """The queue whose deliveries these are."""
        return self._subscription.queue

    @property
    def prefetch(self) -> int:
        """How many deliveries may be in work at once."""
        return self._subscription.options.prefetch

    @property
    def meter(self) -> Meter:
        """Counts the tries and how long they took."""
        return self._settlement.meter

    def take(self, delivery: Delivery, acks: Acknowledger) -> None:
        """Begin a delivery's life, in a task of its own."""
        acks.received(delivery.tag)
        work = Work(self._subscription, delivery)
        self._start(self._give_back(work, acks) if self._is_draining else self._live(work, acks))

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

    async def _give_back(self, work: Work, acks: Acknowledger) -> None:
        await self._settlement.give_back(decide(work, Requeued("the service stops")), work, acks)

    async def _live(self, work: Work, acks: Acknowledger) -> None:
        delivery = work.delivery
        log_context.set(LogContext(delivery.queue, delivery.message_id, trace_id_of(delivery.headers)))
        try:
            try:
                await self._process(work, acks)
            except Exception:
                log.exception("Given back to the broker")
                await asyncio.sleep(PAUSE_AFTER_ERROR_SECONDS)
                await self._settlement.give_back(INTERNAL_ERROR, work, acks)
        except asyncio.CancelledError as stopped:
            await self._settlement.give_back(decide(work, stopped), work, acks)
            raise

    async def _process(self, work: Work, acks: Acknowledger) -> None:
        verdict = await self._verdict_without_handler(work)
        if verdict is not None:
            await self._settlement.apply(verdict, work, acks)
        elif work.key is not None and work.claim is not None and work.claim.is_suspect:
            # It may kill its worker: not together with another such message, and counted as begun only now.
            async with self._alone:
                await self._inbox.begin(work.key)
                await self._do(work, acks)
        else:
            await self._do(work, acks)

    async def _verdict_without_handler(self, work: Work) -> Verdict | None:
        """Read and claim the message; the verdict, unless it is for the handler."""
        if verdict := decide_early(work):
            return verdict
        try:
            self._read(work)
        except InvalidMessage as error:
            return decide(work, error)
        if verdict := decide_early(work):
            return verdict
        identity = self._subscription.options.identity(work.delivery)
        if identity is None:
            return None
        key = Key(work.delivery.queue, identity)
        work.claim = await self._inbox.claim(key)
        if work.claim.state is ClaimState.GRANTED:
            work.key = key
        return decide_early(work)

    def _read(self, work: Work) -> None:
        """Raises InvalidMessage for what breaks the contract."""
        delivery, model = work.delivery, self._subscription.model
        if model is None:  # a raw reader's; the options in its headers were meant for somebody else
            work.message = delivery
            return
        work.options = read_message_options(delivery.headers)
        message = decode(delivery, model)
        delivery.message_id = message.message_id or None  # of a CloudEvent it stands in the body
        work.message = message
        work.wait = work.options.wait_left(delivery)

    async def _do(self, work: Work, acks: Acknowledger) -> None:
        error = await self._executor.execute(work, acks)
        if isinstance(error, Postponed):
            log.debug("Postponed by %g s: %s", error.wait.total_seconds(), mask_text(str(error)))
        await self._settlement.apply(decide(work, error), work, acks)
