"""The proof that nothing dies unseen: a probe is put into a work queue, rejected there, and found again.

1. The probe goes straight to the queue. A worker rejects it by itself; where none is attached, it is taken and
   rejected here.
2. The broker has to bring it to the `.dead` queue, where it is found and removed.
3. Its copy in `alerting` is dropped by the alerting service; where that does not run, it is removed here.
The delay ladder has to bring a probe to a queue in a second. Whatever else is met on the way is given back.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import DeliveryError
from aiormq.exceptions import ChannelAccessRefused

from postroom import wire
from postroom.broker.plain_connection import BROKER_ERRORS, connect
from postroom.broker.topology.ladder import walk_key
from postroom.broker.topology.search import Depth, depth_and_readers, reject_probe, searching, try_reading

WALK = timedelta(seconds=1)
LADDER = "delay ladder"
FIRST_LEVEL = "delay.1s"
AT_ONCE = 8  # queues proven side by side


class ProofOutcome(StrEnum):
    """What a proof came to. Not proven says nothing against the queue: looking would have disturbed it."""

    PROVEN = "proven"
    NOT_PROVEN = "not proven"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Proof:
    """The outcome for one work queue or for the ladder.

    Attributes:
        milliseconds: from publishing to arrival in the `.dead` queue; for the ladder, what came on top of the
            wait. None unless proven.
        reason: why it is not proven or failed, and what to do.
    """

    subject: str
    outcome: ProofOutcome
    milliseconds: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ProofLimits:
    """How far a proof goes: how long it waits, and how many dead letters it reads past to find its probe."""

    within: timedelta = timedelta(seconds=10)
    most_searched: int = 5000


async def prove(
    url: str,
    queues: Sequence[str],
    limits: ProofLimits = ProofLimits(),
    on_proof: Callable[[Proof], None] = lambda _proof: None,
) -> list[Proof]:
    """Prove the ladder and each of `queues` (work queues whose declarations are right), some side by side.

    Raises BrokerUnavailable when there is no connection to be had.
    """
    async with connect(url) as connection:
        prover = _Prover(connection, limits)
        slots = asyncio.Semaphore(AT_ONCE)

        async def report(subject: str, attempt: Coroutine[Any, Any, Proof]) -> Proof:
            async with slots:
                proof = await _never_raising(subject, attempt)
            on_proof(proof)
            return proof

        others = [queue for queue in queues if queue != wire.ALERTING_QUEUE]
        proofs = await asyncio.gather(
            report(LADDER, prover.ladder()), *(report(queue, prover.net(queue)) for queue in others)
        )
        await prover.remove_copies(sum(proof.outcome == ProofOutcome.PROVEN for proof in proofs[1:]))
        # Last, because until now this queue held the copies of the others' probes.
        if wire.ALERTING_QUEUE in queues:
            proofs.append(await report(wire.ALERTING_QUEUE, prover.net(wire.ALERTING_QUEUE)))
    return proofs


class _Prover:
    """One run of proofs on one connection. Its probes share the beginning of their names."""

    def __init__(self, connection: AbstractConnection, limits: ProofLimits) -> None:
        self._connection = connection
        self._limits = limits
        self._run = uuid4().hex

    async def net(self, queue: str) -> Proof:
        """A rejected message of `queue` reaches its `.dead` queue."""
        dead = wire.dead_queue(queue)
        before = await depth_and_readers(self._connection, queue)
        if before.waiting and not before.readers:
            return _not_proven(queue, f"{before.waiting} messages wait and no consumer; start its service first")
        if obstacle := await self._obstacle(dead):
            return _not_proven(queue, obstacle)
        if not before.readers:
            await try_reading(self._connection, queue)
        async with searching(self._connection, dead, self._run) as search:
            began = time.perf_counter()
            try:
                async with asyncio.timeout(self._limits.within.total_seconds()):
                    probe = await self._publish("", queue, queue)
                    if not before.readers:
                        await reject_probe(self._connection, queue, probe)
                    arrived = await search.arrival_of(probe)
            except TimeoutError:
                return self._lost(queue, before)
        return Proof(queue, ProofOutcome.PROVEN, 1000 * (arrived - began))

    async def ladder(self) -> Proof:
        """A message that waits on the ladder comes out again, when it should."""
        # This queue can be reached from the ladder for this proof alone: it has no worker that would be met.
        goal = wire.UNROUTED_QUEUE
        if obstacle := await self._obstacle(goal):
            return _not_proven(LADDER, obstacle)
        async with searching(self._connection, goal, self._run) as search:
            began = time.perf_counter()
            try:
                async with asyncio.timeout((WALK + self._limits.within).total_seconds()):
                    probe = await self._publish(wire.DELAY, walk_key(WALK, goal), LADDER)
                    arrived = await search.arrival_of(probe)
            except TimeoutError:
                return Proof(
                    LADDER, ProofOutcome.FAILED, reason=f"a wait of 1 s did not end: look at the queue {FIRST_LEVEL}"
                )
        return Proof(LADDER, ProofOutcome.PROVEN, 1000 * (arrived - began - WALK.total_seconds()))

    async def remove_copies(self, expected: int) -> None:
        """Take our probes out of `alerting` where its service, which would drop them, does not run."""
        # What stays is dropped when the service comes: no reason to fail.
        with suppress(TimeoutError, *BROKER_ERRORS):
            if await self._obstacle(wire.ALERTING_QUEUE):
                return
            async with searching(self._connection, wire.ALERTING_QUEUE, self._run) as search:
                async with asyncio.timeout(self._limits.within.total_seconds()):
                    await search.arrivals(expected)

    async def _obstacle(self, queue: str) -> str:
        """Why `queue` cannot be searched; empty when it can."""
        depth = await depth_and_readers(self._connection, queue)
        if depth.readers:
            return f"{queue} is being read by somebody; try again later"
        if depth.waiting > self._limits.most_searched:
            return f"{queue} holds {depth.waiting} messages, more than --search-limit {self._limits.most_searched}"
        return ""

    async def _publish(self, exchange: str, key: str, subject: str) -> str:
        probe = f"{self._run}.{subject}"
        message = Message(
            b"{}",
            content_type=wire.JSON,
            message_id=probe,
            headers={wire.X_PROBE: probe},
            delivery_mode=DeliveryMode.PERSISTENT,
            timestamp=datetime.now(UTC),
        )
        async with self._connection.channel(on_return_raises=True) as channel:
            target = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
            await target.publish(message, key)
        return probe

    def _lost(self, queue: str, before: Depth) -> Proof:
        seconds = f"{self._limits.within.total_seconds():g} s"
        if before.waiting:
            return _not_proven(queue, f"{before.waiting} messages were ahead of the probe, it was not met in {seconds}")
        who = "its worker did not reject the probe" if before.readers else "it was rejected"
        return Proof(
            queue,
            ProofOutcome.FAILED,
            reason=f"not in {wire.dead_queue(queue)} after {seconds}: {who}, or the way there is broken",
        )


async def _never_raising(subject: str, attempt: Coroutine[Any, Any, Proof]) -> Proof:
    try:
        return await attempt
    except ChannelAccessRefused as error:
        return _not_proven(subject, f"this user may not: {error}")
    except DeliveryError:
        return Proof(subject, ProofOutcome.FAILED, reason="the broker did not take the probe: a route is missing")
    except BROKER_ERRORS as error:
        return Proof(subject, ProofOutcome.FAILED, reason=f"{type(error).__name__}: {error}")


def _not_proven(subject: str, reason: str) -> Proof:
    return Proof(subject, ProofOutcome.NOT_PROVEN, reason=reason)
