"""Consumers that the broker has lost come back by themselves, and `/readyz` tells the truth meanwhile."""

import asyncio
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from postroom.runtime import watchdog
from postroom.runtime.assembly import LoadedService
from postroom.runtime.serving import ServiceRunner
from postroom.testing import eventually
from postroom.wire.errors import PermanentFailure
from postroom.worker import Delivery
from tests.support.patience import WORK, seconds
from tests.support.proxy import proxy_to
from tests.support.worker import Chore, WorkerHarness, readiness


async def is_ready(service: ServiceRunner) -> bool:
    status, problems = await readiness(service)
    assert status == 200, str(problems)
    return True


async def is_not_ready_because_of(service: ServiceRunner, what: str) -> bool:
    status, problems = await readiness(service)
    return status == 503 and what in problems


async def consumers(harness: WorkerHarness, queue: str | None = None) -> int:
    declared = await harness.channel.declare_queue(queue or harness.queue, passive=True)
    return declared.declaration_result.consumer_count or 0


async def test_a_running_service_is_ready_and_its_consumer_is_at_the_broker(harness: WorkerHarness) -> None:
    async with harness.running(harness.worker(), health_port=0) as service:
        assert await is_ready(service)
        assert await consumers(harness) == 1

    await eventually(lambda: has_no_consumer(harness))


async def has_no_consumer(harness: WorkerHarness, queue: str | None = None) -> bool:
    return await consumers(harness, queue) == 0


async def test_a_service_whose_queue_is_absent_says_what_to_do_and_starts_when_it_is_there(
    harness: WorkerHarness,
) -> None:
    worker = harness.worker()
    with harness.worker_vhost.management() as management:
        await asyncio.to_thread(management.delete_queue, harness.queue)
        service = ServiceRunner([LoadedService(worker, no_adapters)], harness.worker_vhost.settings(harness.data_dir))
        task = asyncio.create_task(service.serve())
        try:
            await eventually(lambda: "postroom topology apply" in service.problems().get("topology", ""))
            await asyncio.to_thread(harness.worker_vhost.apply, worker)
            await eventually(lambda: is_ready(service))
            await harness.put({"n": 1})
            await harness.has_done(1)
        finally:
            service.stop()
            assert await task == 0


def no_adapters(_runtime: object) -> "NoAdapters":
    return NoAdapters()


class NoAdapters:
    async def __aenter__(self) -> dict[type, object]:
        return {}

    async def __aexit__(self, *_error: object) -> None: ...


async def test_consumers_come_back_after_their_queue_was_deleted_and_made_again(harness: WorkerHarness) -> None:
    worker = harness.worker()
    async with harness.running(worker) as service:
        with harness.worker_vhost.management() as management:
            await asyncio.to_thread(management.delete_queue, harness.queue)
        # The broker cancels the consumer without closing anything.
        await eventually(lambda: is_not_ready_because_of(service, "consumers"))
        await asyncio.to_thread(harness.worker_vhost.apply, worker)

        await harness.put({"n": 1})
        await harness.has_done(1)
        await eventually(lambda: is_ready(service))

    assert await harness.depth() == 0


async def test_a_consumer_that_is_gone_from_a_healthy_connection_comes_back(harness: WorkerHarness) -> None:
    async with harness.running(harness.worker()) as service:
        await harness.put({"n": 1})
        await harness.has_done(1)
        # As after a bug in broker or client library: nobody has told anybody, and no connection was closed.
        channel = service.assemblies[0].consumers._consumers[0]._acks.channel  # type: ignore[union-attr]
        [tag] = channel.consumers
        await channel.basic_cancel(tag)
        await eventually(lambda: is_not_ready_because_of(service, "consumers"))

        await harness.put({"n": 2})
        await harness.has_done(2)
        await eventually(lambda: is_ready(service))


async def test_consumers_come_back_after_an_operator_closed_their_connection(harness: WorkerHarness) -> None:
    async with harness.running(harness.worker()) as service:
        await harness.close_connections("test consumes")

        await harness.put({"n": 1})
        await harness.has_done(1)
        await eventually(lambda: is_ready(service))


async def test_jobs_in_work_go_on_while_the_connection_is_lost_and_are_not_done_again(harness: WorkerHarness) -> None:
    release = asyncio.Event()

    async def hold(_job: Chore, _delivery: Delivery) -> None:
        await release.wait()

    async with harness.running(harness.worker(hold)) as service:
        await asyncio.gather(*(harness.put({"n": n}, message_id=f"m{n}") for n in range(20)))
        await harness.has_done(20)
        await harness.close_connections("test consumes")
        await harness.has_in_work(40)  # all of them were given to it again, and wait for the first ones to end
        release.set()
        await harness.counted(done=20, duplicate=20)
        await eventually(lambda: is_ready(service))

    assert len(harness.done) == 20
    assert await harness.depth() == 0


async def test_what_failed_without_a_connection_is_told_when_it_has_failed_again(harness: WorkerHarness) -> None:
    began, release = asyncio.Event(), asyncio.Event()

    async def fail(_job: Chore, _delivery: Delivery) -> None:
        began.set()
        await release.wait()
        raise PermanentFailure("no such number")

    async with harness.running(harness.worker(fail)) as service:
        await harness.put({}, message_id="bad")
        await began.wait()
        await harness.close_connections("test consumes")
        await harness.has_in_work(2)
        release.set()
        letter = await harness.dead_letter()
        await harness.counted(dead=1)
        assert service.assemblies[0].inbox is not None
        recorded = text("SELECT count(*) FROM history WHERE message_id = 'bad'")
        assert (
            await service.assemblies[0].inbox._database.run(lambda connection: connection.execute(recorded).scalar())
            == 1
        )

    assert (letter.message_id, letter.headers["x-attempt"]) == ("bad", 1)
    assert len(harness.done) == 2


async def test_a_broker_that_went_away_is_found_again_soon_after_it_is_back(harness: WorkerHarness) -> None:
    target = urlsplit(harness.worker_vhost.vhost.amqp_url)
    async with proxy_to(target.hostname or "", target.port or 5672) as proxy:
        through = target._replace(netloc=f"{target.username}:{target.password}@127.0.0.1:{proxy.port}").geturl()
        async with harness.running(harness.worker(), amqp_url=through) as service:
            await proxy.refuse()
            await harness.put({"n": 1})
            await eventually(lambda: is_not_ready_because_of(service, "consumers"))

            await proxy.listen()
            await harness.has_done(1)
            await eventually(lambda: is_ready(service))
            consuming = service.assemblies[0].consumers._watchdog._connection  # type: ignore[union-attr]
            assert 0.5 <= consuming.reconnect_interval <= 2  # type: ignore[attr-defined] # not the library's fixed five


async def test_a_stop_that_takes_long_keeps_the_connection_by_which_it_acknowledges(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "LOOK_SECONDS", 0.01)
    begun, release = asyncio.Event(), asyncio.Event()

    async def hold(_job: Chore, _delivery: Delivery) -> None:
        begun.set()
        await release.wait()

    worker, idle = harness.worker(hold), f"{harness.queue}.nothing"
    worker.handles(type("Idle", (Chore,), {"kind": idle}))(hold)
    harness.worker_vhost.apply(worker)
    async with harness.running(worker, drain_seconds=seconds(WORK)) as service:
        # Only now that it was seen: the broker may know of a consumer some looks after it has said so.
        monkeypatch.setattr(watchdog, "LOOK_AGAIN_SECONDS", 0.0)
        monkeypatch.setattr(watchdog, "LOOKS_BEFORE_RECONNECT", 2)
        await harness.put({"n": 1}, message_id="a")
        await begun.wait()
        service.stop()
        # The queue with a message in work keeps its consumer until that is acknowledged.
        await eventually(lambda: has_no_consumer(harness, idle))
        for _ in range(30):  # looks that would find none, each a question to the broker like this one
            assert await consumers(harness, idle) == 0
        release.set()

    assert await harness.depth() == 0
    assert len(harness.done) == 1
