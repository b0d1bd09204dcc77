"""No-op jobs per second: Postroom with one and two processes, beside the bare libraries."""

import asyncio
import json
import os
import sys
import tempfile
from dataclasses import dataclass

from bench.broker import drop, fill

MESSAGES = 20_000
QUEUE = "bench.noop"


@dataclass(frozen=True)
class Contender:
    """A consumer program and how many processes of it run."""

    name: str
    module: str
    processes: int = 1


CONTENDERS = (
    Contender("bare aio-pika, acknowledging each", "bare_aio_pika"),
    Contender("bare FastStream", "bare_faststream"),
    Contender("Postroom, 1 process", "postroom_worker"),
    Contender("Postroom, 2 processes", "postroom_worker", processes=2),
)


async def rate(contender: Contender, url: str, messages: int = MESSAGES) -> float:
    """Messages per second from the first handled to the last."""
    await fill(url, QUEUE, messages)
    with tempfile.TemporaryDirectory(prefix="postroom-bench-") as folder:
        environment = {
            **os.environ,
            "POSTROOM_AMQP_URL": url,
            "POSTROOM_DATA_DIR": folder,
            "POSTROOM_HEALTH_PORT": "0",
            "POSTROOM_LOG_LEVEL": "ERROR",
        }
        command = (sys.executable, "-m", f"bench.consumers.{contender.module}", url, QUEUE)
        processes = [
            await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
            for _ in range(contender.processes)
        ]
        outputs = await asyncio.gather(*(process.communicate() for process in processes))
    await drop(url, QUEUE)
    counts = [json.loads(out.splitlines()[-1]) for out, _ in outputs]
    handled = sum(count["messages"] for count in counts)
    if handled != messages:
        raise RuntimeError(f"{contender.name} handled {handled} of {messages} messages")
    return handled / (max(count["last"] for count in counts) - min(count["first"] for count in counts))
