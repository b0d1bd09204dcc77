"""The audit service on a real broker and database."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from aio_pika.abc import AbstractChannel
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from sqlalchemy import delete, select

from postroom.settings import RuntimeSettings
from postroom.storage.database import Database
from postroom.testing import eventually, make_delivery, running_service
from postroom.wire.errors import ProviderUnavailable
from postroom.wire.messages import JobMeasured, Measured
from postroom.worker import Delivery
from postroom_audit.decoding import read_event
from postroom_audit.handlers import worker
from postroom_audit.models import EventRow, MeasurementRow
from postroom_audit.service import service as audit_service
from postroom_audit.sql_events import SqlEventLog
from tests.support.databases import service_database
from tests.support.patience import REACTION, seconds
from tests.support.proxy import proxy_to
from tests.support.worker import Chore, WorkerHarness, depth, publish, take_all

QUEUE = "audit.on.all"
CANARY = "canary-4711"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = service_database(database_url, "audit")
    await database.migrate()
    yield database
    await database.close()


@pytest.fixture
def kind() -> str:
    """A kind of event that only one test publishes."""
    return f"t{uuid4().hex[:8]}.happened"


@pytest.fixture(autouse=True)
async def _nothing_from_before(harness: WorkerHarness) -> None:
    harness.worker_vhost.apply(worker)
    queue = await harness.channel.get_queue(QUEUE, ensure=False)
    await queue.purge()  # what other tests' services told when they stopped


@pytest.fixture
def service(harness: WorkerHarness, database_url: str) -> RuntimeSettings:
    return harness.worker_vhost.settings(harness.data_dir, database_url=database_url)


async def tell(channel: AbstractChannel, kind: str, body: Any, **properties: Any) -> None:
    await publish(channel, "events", kind, body, **properties)


async def rows(database: Database, model: Any, **equal: Any) -> list[Any]:
    async with database.session() as session:
        return list((await session.execute(select(model).filter_by(**equal).order_by(model.id))).scalars())


async def has_recorded(database: Database, count: int, **equal: Any) -> list[Any]:
    async def check() -> list[Any]:
        found = await rows(database, EventRow, **equal)
        assert len(found) >= count, f"{len(found)} of {count} recorded"
        return found

    return await eventually(check)


async def test_every_event_is_a_row_without_its_secrets(
    harness: WorkerHarness, service: RuntimeSettings, database: Database, kind: str
) -> None:
    body = {"id": 7, "email": "ada@example.com", "phone": "+4915112345123", "code": CANARY, "reset_url": CANARY}
    began = datetime.now(UTC).replace(microsecond=0)
    async with running_service(audit_service, service):
        given = {"message_id": "m-1", "correlation_id": "c-1", "app_id": "shop", "timestamp": NOON}
        # Headers that ask something of whoever does a job ask nothing of who only writes down that it happened.
        headers = {"expires-at": "2020-01-01T00:00:00Z", "delay-seconds": 3600, "attempts": "many"}
        await tell(harness.channel, kind, body, headers=headers, **given)
        await tell(harness.channel, kind, b"not JSON")
        first, second = await has_recorded(database, 2, kind=kind)

    assert (first.message_id, first.correlation_id, first.app_id) == ("m-1", "c-1", "shop")
    assert first.at.replace(tzinfo=UTC) == NOON
    hidden = {"code": "•••", "reset_url": "•••"}
    assert json.loads(first.body) == {"id": 7, "email": "a•••@example.com", "phone": "+49•••••123", **hidden}
    assert second.body == ""
    assert began <= second.at.replace(tzinfo=UTC) <= datetime.now(UTC)
    assert await left(harness.channel) == []


async def test_the_same_event_is_one_row_also_with_two_replicas(
    harness: WorkerHarness, service: RuntimeSettings, database: Database, kind: str
) -> None:
    async with running_service(audit_service, service), running_service(audit_service, service):
        ids = [f"m-{n}" for n in range(200)]
        for _ in range(2):
            await asyncio.gather(*(tell(harness.channel, kind, {"n": 1}, message_id=each) for each in ids))
        await asyncio.gather(*(tell(harness.channel, f"{kind}.too", {"n": 1}, message_id=each) for each in ids))
        await asyncio.gather(*(tell(harness.channel, f"{kind}.bare", {"n": 1}) for _ in range(50)))
        await has_recorded(database, 200, kind=f"{kind}.too")  # of another kind the same id is another event
        await has_recorded(database, 50, kind=f"{kind}.bare")
        await eventually(lambda: is_empty(harness.channel))

    assert sorted(row.message_id for row in await rows(database, EventRow, kind=kind)) == sorted(ids)


async def test_while_the_database_is_away_events_wait_and_use_up_no_try(
    harness: WorkerHarness, postgres_url: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "postroom_audit.adapters.SqlEventLog", lambda it: SqlEventLog(it, patience=timedelta(seconds=0.3))
    )
    target, direct = urlsplit(postgres_url), service_database(postgres_url, "audit")
    async with proxy_to(target.hostname or "", target.port or 5432) as proxy:
        through = target._replace(netloc=f"{target.username}:{target.password}@127.0.0.1:{proxy.port}").geturl()
        given = harness.worker_vhost.settings(harness.data_dir, database_url=through)
        async with running_service(audit_service, given):
            await tell(harness.channel, kind, {}, message_id="before")
            await has_recorded(direct, 1, kind=kind)
            await proxy.refuse()
            await asyncio.gather(*(tell(harness.channel, kind, {}, message_id=f"m-{n}") for n in range(300)))
            await eventually(lambda: is_held(harness.channel))

            await proxy.listen()
            found = await has_recorded(direct, 301, kind=kind)
            await eventually(lambda: is_settled(harness.channel))  # a busy machine holds what was recorded after all

    await direct.close()
    assert len(found) == 301
    assert await left(harness.channel) == []


async def test_a_log_whose_database_is_silent_says_so(postgres_url: str) -> None:
    target = urlsplit(postgres_url)
    async with proxy_to(target.hostname or "", target.port or 5432) as proxy:
        through = target._replace(netloc=f"{target.username}:{target.password}@127.0.0.1:{proxy.port}").geturl()
        database = service_database(through, "audit")
        await database.migrate()
        log = SqlEventLog(database, patience=timedelta(seconds=0.2))
        proxy.hold()

        with pytest.raises(ProviderUnavailable, match=r"has not taken a write for 0\.2 s"):
            await log.record(read_event(make_delivery(b"{}")))

        proxy.release()
        assert await has_recorded(database, 1)
        await database.close()


async def test_what_a_service_did_is_measured_and_measuring_is_not(
    harness: WorkerHarness, service: RuntimeSettings, database: Database, kind: str
) -> None:
    async def fail_odd(job: Chore, _delivery: Delivery) -> None:
        if job.n % 2:
            raise ValueError("odd")

    chores = harness.worker(fail_odd)
    async with running_service(audit_service, service):
        async with harness.running(chores):
            await asyncio.gather(*(harness.put({"n": n}, headers={"attempts": 1}) for n in range(10)))
            await harness.put(b"not JSON")
            await harness.counted(done=5, dead=6)
        await eventually(lambda: rows(database, MeasurementRow, queue=harness.queue))
    async with running_service(audit_service, service):  # it told of itself when it stopped, and hears that now
        await tell(harness.channel, kind, {})
        await has_recorded(database, 1, kind=kind)
        await eventually(lambda: is_empty(harness.channel))

    found = await rows(database, MeasurementRow, queue=harness.queue)
    counts = {name: sum(row.count for row in found if row.outcome == name) for name in ("done", "retried", "dead")}
    assert counts == {"done": 5, "retried": 0, "dead": 6}
    assert {row.service for row in found} == {"test"}
    assert await rows(database, EventRow, kind="job.measured") == []
    assert await rows(database, MeasurementRow, queue=QUEUE) == []  # until then it had heard of measurements only


async def test_a_measurement_told_twice_counts_once(database: Database) -> None:
    log = SqlEventLog(database)
    outcomes = [Measured(outcome="done", milliseconds=bound, count=3) for bound in (1.0, 1.12)]
    measured = JobMeasured(service="s", queue="q", at=NOON, seconds=60, outcomes=outcomes)

    for message_id in ("m-1", "m-1", "m-2"):
        await log.record_measurement(measured.model_copy().identified(message_id))

    found = await rows(database, MeasurementRow)
    assert sorted((row.message_id, row.milliseconds, row.count) for row in found) == [
        ("m-1", 1.0, 3), ("m-1", 1.12, 3), ("m-2", 1.0, 3), ("m-2", 1.12, 3),
    ]  # fmt: skip


ANY_TEXT = st.text(st.characters(), max_size=300)


async def test_whatever_is_published_can_be_stored(database: Database) -> None:
    log = SqlEventLog(database)
    loop = asyncio.get_running_loop()

    @settings(max_examples=50)
    @given(body=st.binary(max_size=200) | ANY_TEXT.map(_as_json), key=ANY_TEXT, name=ANY_TEXT, app=ANY_TEXT)
    def store(body: bytes, key: str, name: str, app: str) -> None:
        delivery = make_delivery(body, exchange="events", routing_key=key, message_id=name, app_id=app)
        asyncio.run_coroutine_threadsafe(log.record(read_event(delivery)), loop).result(timeout=seconds(REACTION))

    await asyncio.to_thread(store)

    assert len(await rows(database, EventRow)) > 10
    async with database.session() as session:
        await session.execute(delete(EventRow))


def _as_json(text: str) -> bytes:
    return json.dumps({"text": text, text: [text]}).encode()


async def left(channel: AbstractChannel) -> list[str | None]:
    """Kinds of the events that were not recorded, but for what the service published of itself when it stopped."""
    messages = [*await take_all(channel, QUEUE), *await take_all(channel, f"{QUEUE}.dead")]
    of_itself = ("job.measured", "circuit.opened", "circuit.closed")
    return [message.routing_key for message in messages if message.routing_key not in of_itself]


async def is_empty(channel: AbstractChannel) -> bool:
    return await depth(channel, QUEUE) == 0


async def is_settled(channel: AbstractChannel) -> bool:
    """Whether nothing waits and nothing is in work."""
    in_work = REGISTRY.get_sample_value("postroom_messages_in_work", {"queue": QUEUE})
    return in_work == 0 and await is_empty(channel)


async def is_held(channel: AbstractChannel) -> bool:
    """Whether the service took all that it takes at once; the rest waits at the broker, `circuit.opened` with it."""
    return await depth(channel, QUEUE) in (100, 101)
