"""A worker with a recording handler on a real broker, and a bare AMQP client beside it.

with worker_vhost_on(broker) as worker_vhost:                       # a virtual host, for as many tests as like
    async with harness_at(worker_vhost, tmp_path) as harness:        # a kind of job of the test's own
        async with harness.running(harness.worker()):
            await harness.put({"n": 1}, message_id="a")
            await harness.has_done(1)
"""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from prometheus_client import REGISTRY

from postroom import wire
from postroom.broker.management import Management
from postroom.broker.topology import build_topology
from postroom.broker.topology.application import apply_topology
from postroom.devkit.broker_node import BrokerNode
from postroom.runtime.serving import ServiceRunner
from postroom.settings import RuntimeSettings
from postroom.testing import eventually, running
from postroom.wire.messages import Job
from postroom.worker import Delivery, Worker
from tests.support.brokers import VirtualHost, virtual_host_on
from tests.support.http import http_client
from tests.support.patience import COUNTED, REACTION


class Chore(Job):
    """What test workers do. Each harness has a kind of its own."""

    kind: ClassVar[str] = "test.do"
    n: int = 0


@dataclass(frozen=True)
class Done:
    """One call of the handler.

    Attributes:
        at: when it began, on the clock of `time.monotonic`.
    """

    n: int
    delivery: Delivery
    at: float = field(default_factory=time.monotonic)

    @property
    def message_id(self) -> str | None:
        """The message's id."""
        return self.delivery.message_id

    @property
    def waited(self) -> int:
        """For how many seconds the delay ladder held it before this delivery."""
        return seconds_on_ladder(self.delivery.headers)


Behaviour = Callable[[Chore, Delivery], Awaitable[None]]


def failing(error: Exception, *, times: int = 1000) -> Behaviour:
    """Raises `error` at the first calls."""
    left = [error] * times

    async def fail(_job: Chore, _delivery: Delivery) -> None:
        if left:
            raise left.pop()

    return fail


@dataclass(frozen=True)
class WorkerVhost:
    """A virtual host to which harnesses add their queues."""

    vhost: VirtualHost

    def settings(self, data_dir: Path, **changes: Any) -> RuntimeSettings:
        """A service's settings."""
        given = {
            "amqp_url": self.vhost.amqp_url,
            "management_url": self.vhost.management_url,
            "data_dir": data_dir,
            "health_port": 0,
        }
        return RuntimeSettings.model_validate(given | changes)

    def management(self) -> Management:
        """The management API for this virtual host."""
        host = self.vhost
        return Management(host.management_url, host.user, host.password, host.name)

    def apply(self, *workers: Worker) -> None:
        """Add what these workers need to the broker."""
        subscriptions = [each for worker in workers for each in worker.subscriptions.values()]
        with self.management() as management:
            apply_topology(build_topology(subscriptions), management)


@contextmanager
def worker_vhost_on(broker: BrokerNode) -> Iterator[WorkerVhost]:
    """A virtual host with the runtime's exchanges, for the tests of a module."""
    with virtual_host_on(broker) as vhost:
        worker_vhost = WorkerVhost(vhost)
        worker_vhost.apply()
        yield worker_vhost


@dataclass
class WorkerHarness:
    """One kind of job, `queue`, with its worker's records and a bare AMQP client.

    Attributes:
        done: every call of the handler, in order of their beginnings.
    """

    worker_vhost: WorkerVhost
    channel: AbstractChannel
    data_dir: Path
    queue: str
    done: list[Done] = field(default_factory=list)

    def worker(self, behave: Behaviour | None = None, *, service: str = "test", **options: Any) -> Worker:
        """A worker that records each call and then does `behave`; its queues are made."""
        worker = Worker(service)

        @worker.handles(type("OwnChore", (Chore,), {"kind": self.queue}), **options)
        async def do(job: Chore, delivery: Delivery) -> None:
            self.done.append(Done(job.n, delivery))
            if behave is not None:
                await behave(job, delivery)

        self.worker_vhost.apply(worker)
        return worker

    def running(self, worker: Worker, **settings: Any) -> AbstractAsyncContextManager[ServiceRunner]:
        """The worker's real runtime, ready. Several at once with the same `data_dir` share their database."""
        return running(worker, {}, self.worker_vhost.settings(self.data_dir, **settings))

    async def put(self, body: Any, *, exchange: str = wire.JOBS, key: str | None = None, **properties: Any) -> None:
        """Publish as any AMQP client would; `body` as JSON unless it is bytes. Returns when it is confirmed."""
        await publish(self.channel, exchange, key or self.queue, body, **properties)

    async def has_done(self, count: int, within: timedelta = REACTION) -> None:
        """Wait until the handler was called that often."""

        def check() -> bool:
            assert len(self.done) >= count, f"{len(self.done)} of {count} done"
            return True

        await eventually(check, within=within)

    async def dead_letters(self, count: int = 1, within: timedelta = REACTION) -> list[AbstractIncomingMessage]:
        """Take that many messages out of the dead queue."""
        letters: list[AbstractIncomingMessage] = []

        async def check() -> bool:
            letters.extend(await take_all(self.channel, wire.dead_queue(self.queue)))
            assert len(letters) >= count, f"{len(letters)} of {count} dead letters"
            return True

        await eventually(check, within=within)
        return letters

    async def dead_letter(self) -> AbstractIncomingMessage:
        """Take the one message out of the dead queue."""
        [letter] = await self.dead_letters()
        return letter

    async def counted(self, within: timedelta = REACTION, **outcomes: int) -> None:
        """Wait until the metrics of this process say so: `done=1, duplicate=2`."""

        def check() -> bool:
            counts = {name: outcome_count(self.queue, name) for name in outcomes}
            assert counts == outcomes, str(counts)
            return True

        await eventually(check, within=within)

    async def close_connections(self, name: str) -> None:
        """Close the connections of that name in the virtual host, as an operator does in the management UI."""
        host = self.worker_vhost.vhost
        async with http_client(base_url=f"{host.management_url}/api", auth=(host.user, host.password)) as api:

            async def closed() -> bool:
                # The list lags some seconds behind.
                found = (await api.get(f"/vhosts/{host.name}/connections")).json()
                ours = [
                    each["name"] for each in found if each.get("client_properties", {}).get("connection_name") == name
                ]
                answers = [await api.delete(f"/connections/{quote(connection, safe='')}") for connection in ours]
                return any(answer.is_success for answer in answers)  # not one that is listed and has gone

            await eventually(closed, within=COUNTED)

    async def depth(self, queue: str | None = None) -> int:
        """How many messages of a queue wait: after the worker has ended, all that were not acknowledged."""
        return await depth(self.channel, queue or self.queue)

    async def has_depth(self, expected: int, queue: str | None = None) -> None:
        """Wait until so many messages of a queue wait: the broker takes back what a worker held a moment later."""

        async def check() -> bool:
            found = await self.depth(queue)
            assert found == expected, f"{found} messages wait"
            return True

        await eventually(check)

    async def has_in_work(self, expected: int) -> None:
        """Wait until the worker of this process holds so many deliveries, those that wait for a twin included."""

        def check() -> bool:
            held = REGISTRY.get_sample_value("postroom_messages_in_work", {"queue": self.queue})
            assert held == expected, f"{held} in work"
            return True

        await eventually(check)


@asynccontextmanager
async def harness_at(worker_vhost: WorkerVhost, data_dir: Path) -> AsyncIterator[WorkerHarness]:
    """A harness with a kind of job that nobody else has."""
    connection = await aio_pika.connect(worker_vhost.vhost.amqp_url)
    async with connection:
        yield WorkerHarness(worker_vhost, await connection.channel(), data_dir, f"t{uuid4().hex[:8]}.do")


async def publish(channel: AbstractChannel, exchange: str, key: str, body: Any, **properties: Any) -> None:
    """Publish as any AMQP client would."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    message = aio_pika.Message(content, **{"delivery_mode": 2} | properties)
    for name, value in properties.items():
        if isinstance(value, str):
            setattr(message, name, value)  # as it is: the constructor makes a plain `str` of it
    if exchange:
        target = await channel.get_exchange(exchange, ensure=False)
        await target.publish(message, key)
    else:
        await channel.default_exchange.publish(message, key)


async def take_all(channel: AbstractChannel, queue: str) -> list[AbstractIncomingMessage]:
    """Take what lies in a queue, in order."""
    source = await channel.get_queue(queue, ensure=False)
    taken = []
    while (message := await source.get(no_ack=True, fail=False)) is not None:
        taken.append(message)
    return taken


async def depth(channel: AbstractChannel, queue: str) -> int:
    """How many messages are ready in a queue, at this moment."""
    declared = await channel.declare_queue(queue, passive=True)
    return declared.declaration_result.message_count or 0


def seconds_on_ladder(headers: Mapping[str, Any]) -> int:
    """For how many seconds the delay ladder held a message, as the broker recorded it: each level expired it once."""
    deaths = [death for death in headers.get("x-death", ()) if death["queue"].startswith("delay.")]
    assert all((death["reason"], death["count"]) == ("expired", 1) for death in deaths), deaths
    return sum(int(death["queue"].removeprefix("delay.").removesuffix("s")) for death in deaths)


def outcome_count(queue: str, outcome: str) -> int:
    """How many deliveries of a queue this process has settled so."""
    labels = {"queue": queue, "outcome": outcome}
    return int(REGISTRY.get_sample_value("postroom_messages_total", labels) or 0)


async def readiness(service: ServiceRunner) -> tuple[int, dict[str, str]]:
    """What the health port says: status and problems. AssertionError while it is not open yet."""
    assert service.health is not None, "no health port yet"
    async with http_client() as client:
        answer = await client.get(f"{service.health.url}/readyz")
    return answer.status_code, answer.json()["problems"]
