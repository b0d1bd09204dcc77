"""A database that goes away: nothing is lost, nothing is done twice, and `/readyz` says so."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from postroom.runtime.assembly import LoadedService
from postroom.runtime.serving import ServiceRunner
from postroom.testing import eventually
from postroom.worker import Delivery, Keep
from tests.support.patience import REACTION, seconds
from tests.support.proxy import Proxy, proxy_to
from tests.support.worker import Chore, WorkerHarness, readiness

JOBS = 200


@pytest.fixture
async def proxy(postgres_url: str) -> AsyncIterator[Proxy]:
    target = urlsplit(postgres_url)
    async with proxy_to(target.hostname or "", target.port or 5432) as proxy:
        yield proxy


def through(proxy: Proxy, url: str) -> str:
    target = urlsplit(url)
    return target._replace(netloc=f"{target.username}:{target.password}@127.0.0.1:{proxy.port}").geturl()


async def take_a_moment(_job: Chore, _delivery: Delivery) -> None:
    await asyncio.sleep(0.02)


async def says(service: ServiceRunner, status: int, problem: str = "") -> bool:
    now, problems = await readiness(service)
    assert now == status, str(problems)
    return not problem or problem in problems


async def test_a_database_that_is_away_for_a_while_loses_nothing(
    harness: WorkerHarness, proxy: Proxy, postgres_url: str
) -> None:
    away = asyncio.Event()

    async def outlast_the_database(_job: Chore, _delivery: Delivery) -> None:
        if len(harness.done) > JOBS // 4:
            await away.wait()

    worker = harness.worker(outlast_the_database, prefetch=10, history=Keep.ALWAYS)
    async with harness.running(worker, database_url=through(proxy, postgres_url)) as service:
        await asyncio.gather(*(harness.put({"n": n}, message_id=f"m{n}") for n in range(JOBS)))
        await harness.has_done(JOBS // 4 + 10)
        await proxy.refuse()
        away.set()
        await eventually(lambda: says(service, 503, "database"))
        assert len(harness.done) == JOBS // 4 + 10  # without an inbox nothing new is begun

        await proxy.listen()
        await harness.has_done(JOBS)
        await harness.counted(done=JOBS)
        await eventually(lambda: says(service, 200))

    assert Counter(done.message_id for done in harness.done) == Counter(f"m{n}" for n in range(JOBS))
    assert await harness.depth() == 0


async def test_connections_that_an_administrator_ends_lose_nothing(harness: WorkerHarness, postgres_url: str) -> None:
    worker = harness.worker(take_a_moment, prefetch=10)
    plain = postgres_url.replace("+asyncpg", "")
    administrator = await asyncpg.connect(plain)
    try:
        async with harness.running(worker, database_url=postgres_url):
            await asyncio.gather(*(harness.put({"n": n}, message_id=f"m{n}") for n in range(JOBS)))
            for share in (5, 4, 3, 2):
                await harness.has_done(JOBS // share)
                await administrator.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'test' AND datname = current_database()"  # the server is shared
                )
            await harness.counted(done=JOBS)
    finally:
        await administrator.close()

    assert Counter(done.message_id for done in harness.done) == Counter(f"m{n}" for n in range(JOBS))
    assert await harness.depth() == 0


async def test_a_service_waits_for_its_database_and_says_so(
    harness: WorkerHarness, proxy: Proxy, postgres_url: str
) -> None:
    await proxy.refuse()
    worker = harness.worker()
    await harness.put({"n": 1})
    settings = harness.worker_vhost.settings(harness.data_dir, database_url=through(proxy, postgres_url))
    service = ServiceRunner([LoadedService(worker, _nothing)], settings)
    task = asyncio.create_task(service.serve())
    try:
        await eventually(lambda: says(service, 503, "database"))
        assert "canary" not in str(service.problems())
        await proxy.listen()
        await harness.has_done(1)
    finally:
        service.stop()
        assert await task == 0


async def test_a_service_can_be_stopped_while_its_database_is_away(
    harness: WorkerHarness, proxy: Proxy, postgres_url: str
) -> None:
    settings = harness.worker_vhost.settings(
        harness.data_dir, database_url=through(proxy, postgres_url), drain_seconds=1
    )
    service = ServiceRunner([LoadedService(harness.worker(), _nothing)], settings)
    task = asyncio.create_task(service.serve())
    await eventually(lambda: says(service, 200))
    await proxy.refuse()
    await harness.put({"n": 1}, message_id="a")
    await eventually(lambda: says(service, 503, "database"))

    service.stop()

    async with asyncio.timeout(seconds(REACTION)):
        assert await task == 0
    assert harness.done == []
    await eventually(lambda: is_back(harness))


async def is_back(harness: WorkerHarness) -> bool:
    return await harness.depth() == 1


class _Nothing:
    async def __aenter__(self) -> dict[type, object]:
        return {}

    async def __aexit__(self, *_error: object) -> None: ...


def _nothing(_runtime: object) -> _Nothing:
    return _Nothing()
