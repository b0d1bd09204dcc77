"""A service as its own process, as in production."""

import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from shared.supervisor import Supervisor


@asynccontextmanager
async def running_service(name: str, url: str, settings: Mapping[str, str]) -> AsyncIterator[None]:
    """One process of a service with data of its own, ready."""
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
            yield
        finally:
            await supervisor.stop()
