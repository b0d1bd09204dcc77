"""Dead letters out of a file, back into the queues they were in."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from aio_pika.abc import AbstractConnection, AbstractExchange
from aio_pika.exceptions import DeliveryError
from aiormq.exceptions import ChannelAccessRefused

from postroom.broker.plain_connection import connect, depth_of, why_lost
from postroom.broker.publishing.id_locks import IdLocks
from postroom.operator.dead_letters.json_lines import ImportedDeadLetter, stored_in
from postroom.operator.dead_letters.operator_name import operator_name
from postroom.operator.dead_letters.reading import reading
from postroom.operator.dead_letters.replayer import CONFIRM_SECONDS, MOVE_ERRORS, WINDOW
from postroom.operator.dead_letters.target import ReplayTarget, target_of
from postroom.wire.errors import ConfigurationError

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
    goes on where a killed import ended. Messages that another reader holds are not seen, and may be doubled.

    Raises ConfigurationError when the file cannot be read or any line is wrong, TopologyError when a queue is not
    there, NotAllRead when not all that it holds can be seen, and BrokerUnavailable; nothing is published then.
    """
    targets = [target_of(queue) for queue in sorted({stored.queue for stored in _stored_in(file)})]
    results = []
    async with connect(url) as connection:
        there = {target: await _held(connection, target) for target in targets}
        for target in targets:
            lines = (stored for stored in _stored_in(file) if stored.queue == target.source)
            restoring = await _Restoring.begin(connection, target)
            results.append(await restoring.all_of(lines, there[target]))
            log.warning("%s imports %d messages into %s", operator_name(), results[-1].restored, target.source)
    return results


def _stored_in(file: Path) -> Iterator[ImportedDeadLetter]:
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


async def _held(connection: AbstractConnection, target: ReplayTarget) -> Counter[str]:
    waiting = await depth_of(connection, target.source)
    async with reading(connection, target) as reader:
        return Counter([found.id async for batch in reader.batches(waiting) for found in batch])


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing came back within {CONFIRM_SECONDS:g} s (a memory or disk alarm?)"
    if isinstance(error, DeliveryError):
        return "the broker refused to store a message (queue full, or just deleted?)"
    return why_lost(error)


class _Restoring:
    """One queue's share of an import."""

    def __init__(self, exchange: AbstractExchange, target: ReplayTarget) -> None:
        self._exchange = exchange
        self._result = Imported(target.source)
        self._window = asyncio.Semaphore(WINDOW)
        self._id_locks = IdLocks()

    @classmethod
    async def begin(cls, connection: AbstractConnection, target: ReplayTarget) -> Self:
        # By the queue's own name, also into `unrouted`: its exchange would alert of the jobs again.
        return cls((await connection.channel(publisher_confirms=True, on_return_raises=True)).default_exchange, target)

    async def all_of(self, lines: Iterable[ImportedDeadLetter], there: Counter[str]) -> Imported:
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

    async def _put(self, stored: ImportedDeadLetter) -> None:
        try:
            async with self._id_locks.hold(stored.id), asyncio.timeout(CONFIRM_SECONDS):
                await self._exchange.publish(stored.message, stored.queue, mandatory=True)
            self._result.restored += 1
        except MOVE_ERRORS as error:
            # A refusal closes the channel under all that are on their way, and says more than they do.
            if not self._result.problem or isinstance(error, ChannelAccessRefused):
                self._result.problem = (
                    f"not all was confirmed: {_words(error)}; what is there is left out the next time"
                )
        finally:
            self._window.release()
