"""A service as its own process, as in production."""

import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from postroom.devkit.supervisor import Supervisor


@asynccontextmanager
async def running_service(name: str, url: str, settings: Mapping[str, str]) -> AsyncIterator[Path]:
    """One process of a service, ready; yields the folder of its data, which is its own."""
    with tempfile.TemporaryDirectory(prefix="postroom-bench-") as folder:
        environment = {
            "POSTROOM_AMQP_URL": url,
            "POSTROOM_DATA_DIR": folder,
            "POSTROOM_LOG_LEVEL": "ERROR",
            **settings,
        }
        supervisor = Supervisor([name], {**os.environ, **environment}, log=Path(folder) / "log")
        try:
            await supervisor.start()
            yield Path(folder)
        finally:
            await supervisor.stop()
