"""The counting service without a broker, in one process: `python -m tests.support.standalone_worker`."""

from postroom.runtime.assembly import LoadedService
from postroom.runtime.serving import run_process
from postroom.settings import RuntimeSettings
from postroom.standalone.runner import open_standalone
from tests.support import crash_worker


async def _serve(settings: RuntimeSettings) -> int:
    async with open_standalone(settings, [LoadedService(crash_worker.worker, crash_worker.adapters)]) as (runner, _):
        return await runner.serve()


if __name__ == "__main__":
    run_process("counting", _serve)
