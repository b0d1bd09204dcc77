"""The counting service without a broker, in one process: `python -m tests.support.local_worker`."""

import asyncio

from postroom.runtime.assembly import LoadedService
from postroom.settings import RuntimeSettings, read_settings
from postroom.standalone import open_local_runner
from tests.support import crash_worker


async def _serve() -> None:
    async with open_local_runner(
        read_settings(RuntimeSettings), [LoadedService(crash_worker.worker, crash_worker.adapters)]
    ) as runner:
        print("ready", flush=True)  # noqa: T201 - read by the test
        await asyncio.Event().wait()
        await runner.stop(1)


if __name__ == "__main__":
    asyncio.run(_serve())
