"""A service as a process: told to stop under load, stopped while jobs go on, killed by a message."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from postroom.testing import eventually
from tests.support import chores
from tests.support.patience import PROCESS_ENDS, PROCESS_STARTS, TAKEN_OVER, seconds
from tests.support.worker import WorkerHarness, WorkerVhost, harness_at

JOBS = 500


@dataclass
class Shop:
    """A harness whose worker is a process."""

    harness: WorkerHarness
    log: Path

    async def start(self, **environment: str) -> asyncio.subprocess.Process:
        """A new process of the service."""
        settings = {
            "POSTROOM_AMQP_URL": self.harness.worker_vhost.vhost.amqp_url,
            "POSTROOM_DATA_DIR": str(self.harness.data_dir),
            "POSTROOM_HEALTH_PORT": "0",
            "POSTROOM_LOG_FORMAT": "text",
            "CHORES_KIND": self.harness.queue,
            "CHORES_LOG": str(self.log),
        }
        output = (self.harness.data_dir / "output").open("ab")
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.support.chores",
                env=os.environ | settings | environment,
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        finally:
            output.close()

    @asynccontextmanager
    async def running(self, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """A process that is ended at the end, at the latest."""
        process = await self.start(**environment)
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def count(self, what: str) -> Counter[str]:
        """How often each job `began` or `ended`."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return Counter(line.split(" ", 1)[1] for line in lines if line.startswith(what))

    async def until(self, what: str, count: int) -> None:
        """Wait until so many jobs have `began` or `ended`."""

        def check() -> bool:
            now = len(self.count(what))
            assert now >= count, f"{now} of {count} {what}; {(self.harness.data_dir / 'output').read_text()[-2000:]}"
            return True

        await eventually(check, within=PROCESS_STARTS)

    async def put_jobs(self, count: int, **body: Any) -> set[str]:
        """Publish so many jobs; their ids."""
        ids = [f"job-{n}" for n in range(count)]
        await asyncio.gather(*(self.harness.put(body, message_id=job) for job in ids))
        return set(ids)


@pytest.fixture
async def shop(worker_vhost: WorkerVhost, tmp_path: Path) -> AsyncIterator[Shop]:
    async with harness_at(worker_vhost, tmp_path) as harness:
        worker_vhost.apply(chores.make_worker(harness.queue, -1, 1))
        yield Shop(harness, tmp_path / "log")


async def stopped(process: asyncio.subprocess.Process) -> int:
    """Send SIGTERM and wait for the exit code."""
    process.send_signal(signal.SIGTERM)
    return await asyncio.wait_for(process.wait(), seconds(PROCESS_ENDS))


async def test_stops_under_load_lose_nothing_and_do_nothing_twice(shop: Shop) -> None:
    jobs = await shop.put_jobs(JOBS, seconds=0.05)

    for done_by_then in (JOBS // 4, JOBS // 2, JOBS):
        async with shop.running() as process:
            await shop.until("ended", done_by_then)
            # What is in work takes 50 ms more, so the deadline of 25 s is no reason to take longer.
            assert await stopped(process) == 0

    assert shop.count("ended") == Counter(jobs)
    assert shop.count("began") == Counter(jobs)
    assert await shop.harness.depth() == 0


async def test_two_workers_take_turns_to_stop_and_nothing_is_lost_or_done_twice(shop: Shop) -> None:
    jobs = await shop.put_jobs(JOBS, seconds=0.05)

    async with shop.running() as one:
        await shop.until("ended", JOBS // 5)
        async with shop.running() as other:
            await shop.until("ended", JOBS // 2)
            assert await stopped(one) == 0
            await shop.until("ended", JOBS)
            assert await stopped(other) == 0

    assert shop.count("ended") == Counter(jobs)
    assert shop.count("began") == Counter(jobs)


async def test_jobs_that_outlast_the_deadline_are_given_back_and_done_by_the_next(shop: Shop) -> None:
    jobs = await shop.put_jobs(5, seconds=4)

    async with shop.running(POSTROOM_DRAIN_SECONDS="0.5") as process:
        await shop.until("began", 5)
        assert await stopped(process) == 0
    async with shop.running() as process:
        await shop.until("ended", 5)
        assert await stopped(process) == 0

    assert shop.count("ended") == Counter(jobs)
    assert await shop.harness.depth() == 0


async def test_a_message_that_kills_its_worker_dies_and_its_neighbours_are_done(shop: Shop) -> None:
    neighbours = await shop.put_jobs(30, seconds=0.02)
    await shop.harness.put({"kills": True}, message_id="killer", correlation_id="c")

    for _ in range(5):
        async with shop.running() as process:
            assert await asyncio.wait_for(process.wait(), seconds(TAKEN_OVER)) == -signal.SIGKILL
    async with shop.running() as process:
        [letter] = await shop.harness.dead_letters(within=TAKEN_OVER)
        await shop.until("ended", len(neighbours))
        # Told to stop, not killed: it settles what it has just ended.
        assert await stopped(process) == 0

    assert letter.message_id == "killer"
    assert (letter.headers["x-error-type"], letter.correlation_id) == ("KilledWorker", "c")
    assert letter.headers["x-error"] == "5 workers died while they did this message"
    assert shop.count("began")["killer"] == 5
    assert set(shop.count("ended")) == neighbours
    assert await shop.harness.depth() == 0
