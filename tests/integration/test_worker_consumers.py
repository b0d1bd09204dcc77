"""Consumers that the broker has lost come back by themselves, and `/readyz` tells the truth meanwhile."""

import asyncio
from urllib.parse import urlsplit

from sqlalchemy import text

from shared.errors import PermanentFailure
from shared.testing import eventually
from shared.worker import Delivery
from shared.worker.runtime import Service
from tests.support.proxy import proxy_to
from tests.support.worker import Chore, Desk, readiness


async def is_ready(service: Service) -> bool:
    status, problems = await readiness(service)
    assert status == 200, str(problems)
    return True


async def is_not_ready_because_of(service: Service, what: str) -> bool:
    status, problems = await readiness(service)
    return status == 503 and what in problems


async def consumers(desk: Desk) -> int:
    declared = await desk.channel.declare_queue(desk.queue, passive=True)
    return declared.declaration_result.consumer_count or 0


async def test_a_running_service_is_ready_and_its_consumer_is_at_the_broker(desk: Desk) -> None:
    async with desk.running(desk.worker(), health_port=0) as service:
        assert await is_ready(service)
        assert await consumers(desk) == 1

    await eventually(lambda: has_no_consumer(desk))


async def has_no_consumer(desk: Desk) -> bool:
    return await consumers(desk) == 0


async def test_a_service_whose_queue_is_absent_says_what_to_do_and_starts_when_it_is_there(desk: Desk) -> None:
    worker = desk.worker()
    with desk.station.management() as management:
        await asyncio.to_thread(management.delete_queue, desk.queue)
        service = Service(worker, no_adapters, desk.station.settings(desk.data_dir))
        task = asyncio.create_task(service.serve())
        try:
            await eventually(lambda: "postroom topology apply" in service.problems().get("topology", ""))
            await asyncio.to_thread(desk.station.apply, worker)
            await eventually(lambda: is_ready(service))
            await desk.put({"n": 1})
            await desk.has_done(1)
        finally:
            service.stop()
            assert await task == 0


def no_adapters(_runtime: object) -> "NoAdapters":
    return NoAdapters()


class NoAdapters:
    async def __aenter__(self) -> dict[type, object]:
        return {}

    async def __aexit__(self, *_error: object) -> None: ...


async def test_consumers_come_back_after_their_queue_was_deleted_and_made_again(desk: Desk) -> None:
    worker = desk.worker()
    async with desk.running(worker) as service:
        with desk.station.management() as management:
            await asyncio.to_thread(management.delete_queue, desk.queue)
        # The broker cancels the consumer without closing anything.
        await eventually(lambda: is_not_ready_because_of(service, "consumers"))
        await asyncio.to_thread(desk.station.apply, worker)

        await desk.put({"n": 1})
        await desk.has_done(1)
        await eventually(lambda: is_ready(service))

    assert await desk.depth() == 0


async def test_a_consumer_that_is_gone_from_a_healthy_connection_comes_back(desk: Desk) -> None:
    async with desk.running(desk.worker()) as service:
        await desk.put({"n": 1})
        await desk.has_done(1)
        # As after a bug in broker or client library: nobody has told anybody, and no connection was closed.
        channel = service._consumers[0]._acks.channel
        [tag] = channel.consumers
        await channel.basic_cancel(tag)
        await eventually(lambda: is_not_ready_because_of(service, "consumers"))

        await desk.put({"n": 2})
        await desk.has_done(2)
        await eventually(lambda: is_ready(service))


async def test_consumers_come_back_after_an_operator_closed_their_connection(desk: Desk) -> None:
    async with desk.running(desk.worker()) as service:
        await desk.close_connections("test consumes")

        await desk.put({"n": 1})
        await desk.has_done(1)
        await eventually(lambda: is_ready(service))


async def test_jobs_in_work_go_on_while_the_connection_is_lost_and_are_not_done_again(desk: Desk) -> None:
    release = asyncio.Event()

    async def hold(_job: Chore, _delivery: Delivery) -> None:
        await release.wait()

    async with desk.running(desk.worker(hold)) as service:
        await asyncio.gather(*(desk.put({"n": n}, message_id=f"m{n}") for n in range(20)))
        await desk.has_done(20)
        await desk.close_connections("test consumes")
        await desk.has_in_work(40)  # all of them were given to it again, and wait for the first ones to end
        release.set()
        await desk.counted(done=20, duplicate=20)
        await eventually(lambda: is_ready(service))

    assert len(desk.done) == 20
    assert await desk.depth() == 0


async def test_what_failed_without_a_connection_is_told_when_it_has_failed_again(desk: Desk) -> None:
    began, release = asyncio.Event(), asyncio.Event()

    async def fail(_job: Chore, _delivery: Delivery) -> None:
        began.set()
        await release.wait()
        raise PermanentFailure("no such number")

    async with desk.running(desk.worker(fail)) as service:
        await desk.put({}, message_id="bad")
        await began.wait()
        await desk.close_connections("test consumes")
        await desk.has_in_work(2)
        release.set()
        letter = await desk.dead_letter()
        await desk.counted(dead=1)
        assert service._inbox is not None
        recorded = text("SELECT count(*) FROM history WHERE message_id = 'bad'")
        assert await service._inbox._database.run(lambda connection: connection.execute(recorded).scalar()) == 1

    assert (letter.message_id, letter.headers["x-attempt"]) == ("bad", 1)
    assert len(desk.done) == 2


async def test_a_broker_that_went_away_is_found_again_soon_after_it_is_back(desk: Desk) -> None:
    target = urlsplit(desk.station.vhost.amqp_url)
    async with proxy_to(target.hostname or "", target.port or 5672) as proxy:
        through = target._replace(netloc=f"{target.username}:{target.password}@127.0.0.1:{proxy.port}").geturl()
        async with desk.running(desk.worker(), amqp_url=through) as service:
            await proxy.refuse()
            await desk.put({"n": 1})
            await eventually(lambda: is_not_ready_because_of(service, "consumers"))

            await proxy.listen()
            await desk.has_done(1)
            await eventually(lambda: is_ready(service))
            assert service._watchdog is not None
            consuming = service._watchdog._connection
            assert 0.5 <= consuming.reconnect_interval <= 2  # type: ignore[attr-defined] # not the library's fixed five
