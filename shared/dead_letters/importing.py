"""Dead letters out of a file, back into the queues they were in."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from aio_pika.abc import AbstractConnection, AbstractExchange

from shared import wire
from shared.dead_letters.connection import connect, depth_of
from shared.dead_letters.lines import Stored, stored_in
from shared.dead_letters.moving import CONFIRM_SECONDS, MOVE_ERRORS, WINDOW, exchange_named
from shared.dead_letters.operator import operator
from shared.dead_letters.reading import read_letters
from shared.dead_letters.target import Target, target_of
from shared.errors import ConfigurationError
from shared.publishing.turns import Turns

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Imported:
    """What became of one queue's lines: `skipped` were in the queue already; `problem` is why it ended early."""

    queue: str
    restored: int = 0
    skipped: int = 0
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


async def import_lines(url: str, file: Path) -> list[Imported]:
    """Put the dead letters of `file` into the queues they were in, each with a confirm.

    An id that a queue holds already is left out, as often as it holds it: importing a file again doubles nothing, and
    goes on where a killed import ended. Somebody who reads the queue meanwhile hides its messages from this. Jobs of
    `unrouted` are told to alerting again.

    Raises ConfigurationError when the file cannot be read or any line is wrong, TopologyError when a queue is not
    there, and BrokerUnavailable; nothing is published then.
    """
    targets = [target_of(queue) for queue in sorted({stored.queue for stored in _stored_in(file)})]
    results = []
    async with connect(url) as connection:
        there = {target: await _held(connection, target) for target in targets}
        for target in targets:
            lines = (stored for stored in _stored_in(file) if stored.queue == target.source)
            restoring = await _Restoring.begin(connection, target)
            results.append(await restoring.all_of(lines, there[target]))
            log.warning("%s imports %d messages into %s", operator(), results[-1].restored, target.source)
    return results


def _stored_in(file: Path) -> Iterator[Stored]:
    try:
        lines = file.open("rb")
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}") from None
    with lines:
        for number, line in enumerate(lines, start=1):
            try:
                if line.strip():
                    yield stored_in(line)
            except ConfigurationError as error:
                raise ConfigurationError(f"{file}, line {number}: {error}") from None


async def _held(connection: AbstractConnection, target: Target) -> Counter[str]:
    waiting = await depth_of(connection, target.source)
    return Counter([found.id async for found in read_letters(connection, target, waiting)])


class _Restoring:
    """One queue's share of an import."""

    def __init__(self, exchange: AbstractExchange, target: Target) -> None:
        self._exchange = exchange
        self._result = Imported(target.source)
        self._window = asyncio.Semaphore(WINDOW)
        self._turns = Turns()

    @classmethod
    async def begin(cls, connection: AbstractConnection, target: Target) -> Self:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        if target.source == wire.UNROUTED_QUEUE:
            # A job there is known by the key it came with, which only its own exchange keeps.
            return cls(await exchange_named(channel, wire.UNROUTED), target)
        return cls(channel.default_exchange, target)

    async def all_of(self, lines: Iterable[Stored], there: Counter[str]) -> Imported:
        async with asyncio.TaskGroup() as puts:
            for stored in lines:
                if there[stored.id]:
                    there[stored.id] -= 1
                    self._result.skipped += 1
                    continue
                await self._window.acquire()
                if self._result.problem:
                    break
                puts.create_task(self._put(stored))
        return self._result

    async def _put(self, stored: Stored) -> None:
        key = stored.routing_key if stored.queue == wire.UNROUTED_QUEUE else stored.queue
        try:
            async with self._turns.of(stored.id), asyncio.timeout(CONFIRM_SECONDS):
                await self._exchange.publish(stored.message, key, mandatory=True)
            self._result.restored += 1
        except MOVE_ERRORS as error:
            self._result.problem = (
                f"not all was confirmed ({type(error).__name__}); import the file again: what is there is left out"
            )
        finally:
            self._window.release()
