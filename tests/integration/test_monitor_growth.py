"""A queue that grows although it is read is seen on a real broker, and clears by itself."""

import asyncio
from pathlib import Path

from postroom.worker import Delivery
from tests.integration.test_monitor import running_monitor
from tests.support.patience import COUNTED
from tests.support.worker import Chore, WorkerHarness


async def test_a_queue_that_grows_although_it_is_read_is_a_condition_until_it_was_worked_off(
    harness: WorkerHarness, tmp_path: Path
) -> None:
    release = asyncio.Event()

    async def do(_job: Chore, _delivery: Delivery) -> None:
        await release.wait()

    async def keep_publishing() -> None:
        while True:
            await harness.put({})
            await asyncio.sleep(0.05)

    # The broker's figures are new every five seconds: a third of the window has one of its own.
    settings = {"growing_minutes": 0.3, "growing_messages": 20, "ignored_queues": "delay.*"}
    async with (
        harness.running(harness.worker(do, prefetch=5)),
        running_monitor(harness.worker_vhost.vhost, tmp_path, **settings) as monitored,
    ):
        publishing = asyncio.create_task(keep_publishing())
        text = await monitored.sees(f"queue-growing {harness.queue}", within=COUNTED)
        assert "in 18 s, with 1 reading" in text
        publishing.cancel()
        release.set()
        await monitored.sees_no(f"queue-growing {harness.queue}")
