"""`postroom dead replay --all`, killed again and again: every message is somewhere at any time, and is done once.

The full size: REPLAYED_MESSAGES=10000 REPLAY_KILLS=20. What is in both places after a kill is told with `-s`.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import aio_pika
import pytest

from postroom import wire
from postroom.operator.dead_letters import WINDOW, connect, depth_of, read_letters, target_of
from postroom.testing import eventually
from tests.support import crash_worker
from tests.support.crash import Place, ServiceProcess, processes
from tests.support.crash_cli import Command, command
from tests.support.crash_worker import QUEUE, CountingFile
from tests.support.dead_letters import dead_message
from tests.support.patience import WORK, seconds

DEAD = wire.dead_queue(QUEUE)
MESSAGES = int(os.environ.get("REPLAYED_MESSAGES", "1000"))
KILLS = int(os.environ.get("REPLAY_KILLS", "4"))
FASTEST_PER_SECOND = 2000
"""About what a replay moves in a second."""
MOST_ROUNDS = 10 * KILLS
pytestmark = pytest.mark.timeout(seconds(timedelta(minutes=15, seconds=MESSAGES / 10)))


async def bury(place: Place, ids: list[str]) -> None:
    """Dead letters of the counting service, some at once."""
    async with await aio_pika.connect(place.amqp_url) as connection:
        exchange = (await connection.channel()).default_exchange
        for some in (ids[start : start + 500] for start in range(0, len(ids), 500)):
            messages = (dead_message(one, "it failed", body=b"{}", headers={wire.X_QUEUE: QUEUE}) for one in some)
            await asyncio.gather(*(exchange.publish(message, DEAD) for message in messages))


class Witness:
    """Who is where, as far as the broker and the counting service tell."""

    def __init__(self, place: Place, counting: CountingFile, worker: ServiceProcess) -> None:
        self._place = place
        self._counting = counting
        self._worker = worker

    def has_moved_on(self) -> Iterator[bool]:
        """Whether the service has done something since the last question."""
        seen = self._size()
        while True:
            before, seen = seen, self._size()
            yield seen > before

    async def dead_and_done(self) -> tuple[set[str], set[str]]:
        """The ids in the dead queue and the ids that were done, once nothing is on its way any more."""
        await eventually(self._is_quiet, within=WORK)
        done = set(self._counting.count("done"))
        async with connect(self._place.amqp_url) as connection:
            waiting = await depth_of(connection, DEAD)
            dead = [found.id async for found in read_letters(connection, target_of(DEAD), waiting)]
        assert len(dead) == len(set(dead))
        return set(dead), done

    async def _is_quiet(self) -> bool:
        before = self._size(), await self._place.depth(DEAD)
        await asyncio.sleep(0.3)  # the broker gives back what a killed reader held a moment later
        after = self._size(), await self._place.depth(DEAD)
        return before == after and not await self._place.depth(QUEUE) and not await self._worker.in_work(QUEUE)

    def _size(self) -> int:
        return self._counting.path.stat().st_size if self._counting.path.exists() else 0


def kill_under_way(running: Command, witness: Witness, after_seconds: float) -> bool:
    """kill -9 so long after the first message went its way; whether it had not ended by itself before."""
    deadline = time.monotonic() + seconds(WORK)
    for has_moved_on in witness.has_moved_on():
        assert time.monotonic() < deadline, f"nothing moves:\n{running.said}"
        if has_moved_on or running.process.poll() is not None:
            break
        time.sleep(0.002)
    time.sleep(after_seconds)
    running.process.kill()
    code: int = running.process.wait()
    assert code in (0, -signal.SIGKILL), running.said
    return code != 0


async def test_killed_again_and_again_each_message_is_somewhere_and_is_done_once(
    place: Place, environment: dict[str, str], counting: CountingFile, tmp_path: Path
) -> None:
    seed = int(os.environ.get("REPLAY_SEED", str(random.randrange(10**6))))  # noqa: S311
    chance = random.Random(seed)  # noqa: S311
    print(f"seed {seed}")  # noqa: T201 - to see it again
    place.prepare(crash_worker.worker)
    ids = {f"m-{number}" for number in range(MESSAGES)}
    await bury(place, sorted(ids))
    own = {**environment, **place.environment}
    arguments = ["dead", "replay", DEAD, "--all", "--yes"]
    in_both: list[set[str]] = [set()]

    with processes(crash_worker.__name__, own, tmp_path, 1) as (worker,):
        await worker.ready()
        witness = Witness(place, counting, worker)
        left, kills = MESSAGES, 0
        for round_ in range(MOST_ROUNDS):
            if kills == KILLS:
                break
            if left < MESSAGES // KILLS:  # the last one came to its end before it was killed, or nearly
                more = {f"m-{round_}-{number}" for number in range(MESSAGES // KILLS)}
                await bury(place, sorted(more))
                ids, left = ids | more, left + len(more)
            at_most = left / (KILLS - kills + 1) / FASTEST_PER_SECOND
            with command(arguments, own, tmp_path / "replay.log") as running:
                kills += await asyncio.to_thread(kill_under_way, running, witness, chance.uniform(0, at_most))
            dead, done = await witness.dead_and_done()
            assert dead | done == ids, f"in none after kill {kills}: {sorted(ids - dead - done)[:10]}"
            in_both.append(dead & done)
            assert len(in_both[-1] - in_both[-2]) <= WINDOW
            left = len(dead)
        assert kills == KILLS
        print(f"left {left}; in both after each kill: {[len(each) for each in in_both[1:]]}")  # noqa: T201
        with command(arguments, own, tmp_path / "replay.log") as running:
            assert await asyncio.to_thread(running.wait, WORK) == 0, running.said
        dead, done = await witness.dead_and_done()

    assert dead == set()
    assert done == ids
    assert set(counting.count("done").values()) == {1}
    assert set(counting.count("begun").values()) == {1}
