"""Services as processes that tests may kill and freeze, and what is found afterwards."""

import asyncio
import importlib
import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika
import httpx

from postroom.broker.management import Management
from postroom.broker.topology import build_topology
from postroom.broker.topology.application import apply_topology
from postroom.broker.topology.ladder import delay_ladder
from postroom.devkit.ports import free_ports
from postroom.runtime.process import SUPERVISED
from postroom.settings import RuntimeSettings
from postroom.testing import eventually
from postroom.worker import Worker
from tests.support.broker_users import own_user
from tests.support.http import http_client
from tests.support.patience import COUNTED, PROCESS_ENDS, PROCESS_STARTS, seconds
from tests.support.prefork import PreforkedProcess
from tests.support.processes import PROJECT, show_when_red
from tests.support.servers import shared_server

FIRST_FLUSH_SECONDS = 1.5
"""A queue that is declared less than a second before a kill -9 may come back empty (RabbitMQ 3.10)."""


class ServiceProcess:
    """One service as a process: `python -m <module>`. It ends with this one, also when this one is killed."""

    def __init__(self, module: str, environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        (self._port,) = free_ports(1)
        self._module = module
        self._environment = {
            **os.environ,
            **environment,
            SUPERVISED: "1",
            "POSTROOM_HEALTH_PORT": str(self._port),
            "POSTROOM_LOG_FORMAT": "text",
        }
        self.process: PreforkedProcess | None = None
        self._held: int | None = None  # its standard input ends with this process

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None, "it was not started"
        return self.process.pid

    def start(self) -> None:
        """Start it, again if need be; it is not ready yet."""
        show_when_red(self._module, self.log)
        self._let_go()
        given, self._held = os.pipe()
        with self.log.open("ab") as output:
            streams = (given, output.fileno(), output.fileno())
            self.process = PreforkedProcess(
                shared_server("prefork")["socket"], [self._module], self._environment, PROJECT, streams
            )
        os.close(given)

    async def ready(self, within: timedelta = PROCESS_STARTS) -> None:
        """Wait until it has its consumers."""
        await eventually(self.is_ready, within=within)

    async def is_ready(self) -> bool:
        """Whether it says that it takes messages."""
        assert self.process is None or self.process.poll() is None, f"it ended:\n{self.log.read_text()[-2000:]}"
        try:
            async with http_client() as client:
                return (await client.get(f"http://127.0.0.1:{self._port}/readyz")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    async def problems(self) -> dict[str, str]:
        """What it says stands in its way."""
        async with http_client() as client:
            found: dict[str, str] = (await client.get(f"http://127.0.0.1:{self._port}/readyz")).json()["problems"]
        return found

    async def metric(self, line: str) -> float:
        """The value of the metric that is written so, labels included; 0 when there is none yet."""
        async with http_client() as client:
            text = (await client.get(f"http://127.0.0.1:{self._port}/metrics")).text
        return next((float(each.rsplit(" ", 1)[1]) for each in text.splitlines() if each.startswith(line)), 0.0)

    async def in_work(self, queue: str) -> int:
        """How many messages of `queue` it works on at this moment."""
        return int(await self.metric(f'postroom_messages_in_work{{queue="{queue}"}}'))

    def kill(self) -> None:
        """kill -9."""
        self._signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()

    def freeze(self) -> None:
        """Stop it in its tracks: nothing of it runs until `wake`."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it run again."""
        self._signal(signal.SIGCONT)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self._signal(signal.SIGTERM)
        assert self.process is not None
        try:
            return self.process.wait(seconds(PROCESS_ENDS))
        finally:
            self.end()

    def end(self) -> None:
        """Leave nothing behind. Idempotent."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self._let_go()

    def _let_go(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _signal(self, number: int) -> None:
        assert self.process is not None, "it was not started"
        self.process.send_signal(number)


@contextmanager
def processes(module: str, environment: Mapping[str, str], folder: Path, count: int) -> Iterator[list[ServiceProcess]]:
    """`count` started processes of one service, as its own user of the broker, logging into `folder`.

    They are ended at the end. `environment` names the broker with an administrator's user.
    """
    with own_user(_worker_of(module), environment, folder) as own, started(module, own, folder, count) as running:
        yield running


@contextmanager
def started(module: str, environment: Mapping[str, str], folder: Path, count: int) -> Iterator[list[ServiceProcess]]:
    """Like `processes`, with the user of the broker that `environment` names."""
    name = module.rpartition(".")[2]
    running = [ServiceProcess(module, environment, folder / f"{name}-{number}.log") for number in range(count)]
    try:
        for process in running:
            process.start()
        yield running
    finally:
        for process in running:
            process.end()


def _worker_of(module: str) -> Worker:
    handlers = f"{module}.handlers" if module.startswith("postroom_") else module
    worker: Worker = importlib.import_module(handlers).worker
    return worker


@dataclass(frozen=True)
class Place:
    """A broker, or a virtual host of one, with its topology, seen over AMQP."""

    amqp_url: str
    management_url: str

    @property
    def environment(self) -> dict[str, str]:
        """What tells a service where it is."""
        return {"POSTROOM_AMQP_URL": self.amqp_url, "POSTROOM_MANAGEMENT_URL": self.management_url}

    def management(self) -> Management:
        """Its management API."""
        return Management.from_settings(
            RuntimeSettings.model_validate({"amqp_url": self.amqp_url, "management_url": self.management_url})
        )

    def prepare(self, *workers: Worker) -> None:
        """Apply the topology of these workers."""
        subscriptions = [each for worker in workers for each in worker.subscriptions.values()]
        with self.management() as management:
            apply_topology(build_topology(subscriptions), management)

    async def depth(self, *queues: str) -> int:
        """How many messages lie ready in these queues together."""
        return sum(found.message_count or 0 for found in await self._declared(*queues))

    async def consumers(self, queue: str) -> int:
        """How many consumers the broker knows of."""
        [found] = await self._declared(queue)
        return found.consumer_count or 0

    async def channels(self) -> list[str]:
        """The channels that are open now, by name. The management API tells some seconds late."""
        return [str(channel["name"]) for channel in await self._ask("/channels")]

    async def lifeless_queues(self) -> list[str]:
        """The queues behind whose name nothing runs. One that is new runs at its first report: seen by one of ours."""
        async with await aio_pika.connect(self.amqp_url) as connection:
            channel = await connection.channel()
            ours = await channel.declare_queue(
                f"probe-{uuid4().hex}", durable=True, arguments={"x-queue-type": "quorum"}
            )

            async def reports() -> bool:
                return ours.name not in await self._not_running()

            await eventually(reports, within=COUNTED)
            found = await self._not_running()
            await ours.delete(if_unused=False, if_empty=False)
        return found

    async def _not_running(self) -> list[str]:
        return [queue["name"] for queue in await self._ask("/queues") if queue.get("state") != "running"]

    async def _ask(self, path: str) -> Any:
        async with http_client(base_url=f"{self.management_url}/api", auth=("guest", "guest")) as api:
            return (await api.get(path)).raise_for_status().json()

    async def waiting(self) -> int:
        """How many messages are on the delay ladder."""
        return await self.depth(*(queue.name for queue in delay_ladder().queues))

    async def take_all(self, queue: str) -> list[aio_pika.abc.AbstractIncomingMessage]:
        """Everything in `queue`; it is empty afterwards."""
        taken = []
        async with await aio_pika.connect(self.amqp_url) as connection:
            source = await (await connection.channel()).get_queue(queue, ensure=False)
            while message := await source.get(fail=False):
                await message.ack()
                taken.append(message)
        return taken

    async def look(self, queue: str) -> list[aio_pika.abc.AbstractIncomingMessage]:
        """Everything in `queue`, which stays there."""
        seen = []
        async with await aio_pika.connect(self.amqp_url) as connection:
            source = await (await connection.channel()).get_queue(queue, ensure=False)
            while message := await source.get(fail=False):
                seen.append(message)
            for message in seen:
                await message.nack(requeue=True)
        return seen

    async def publish(self, exchange: str, kind: str, body: bytes, message_id: str, **properties: Any) -> None:
        """Publish as any AMQP client would."""
        message = aio_pika.Message(
            body, message_id=message_id, content_type="application/json", delivery_mode=2, **properties
        )
        async with await aio_pika.connect(self.amqp_url) as connection:
            channel = await connection.channel()
            target = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
            await target.publish(message, kind)

    async def _declared(self, *queues: str) -> list[Any]:
        async with await aio_pika.connect(self.amqp_url) as connection:
            channel = await connection.channel()
            return [(await channel.declare_queue(queue, passive=True)).declaration_result for queue in queues]


async def flushed(applied_at: float) -> None:
    """Wait until what was declared at `applied_at` (monotonic) survives a kill -9."""
    await asyncio.sleep(max(0.0, applied_at + FIRST_FLUSH_SECONDS - time.monotonic()))


def left_over(marks: Iterable[str]) -> list[str]:
    """The processes whose command line or environment mentions any of `marks`, ended ones left out."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        with suppress(OSError):
            command = (folder / "cmdline").read_bytes()
            text = (command + b"\0" + (folder / "environ").read_bytes()).decode(errors="replace")
            if command and any(mark in text for mark in marks):
                found.append(f"{folder.name} {command.decode(errors='replace')[:200]}")
    return found
