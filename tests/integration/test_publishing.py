"""Publishing: what is confirmed is stored, and what is not raises an error that says why and what to do."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from aio_pika.abc import AbstractIncomingMessage

from postroom import wire
from postroom.broker.publishing import Outgoing, Publisher, PublishOptions
from postroom.testing import eventually
from postroom.wire.errors import BrokerUnavailable, InvalidPublish, PublishTimeout, Unroutable
from postroom.wire.messages import Event, Job, SendEmail
from tests.support.brokers import VirtualHost
from tests.support.patience import REACTION, patience
from tests.support.proxy import Proxy, proxy_to
from tests.support.worker import WorkerHarness, WorkerVhost, take_all

PATIENT = patience(REACTION)
IMPATIENT = timedelta(seconds=1)  # for what is never confirmed


@pytest.fixture
def harness(harness: WorkerHarness) -> WorkerHarness:
    """A queue that nobody reads."""
    harness.worker()
    return harness


@pytest.fixture
async def publisher(worker_vhost: WorkerVhost) -> AsyncIterator[Publisher]:
    async with Publisher(worker_vhost.vhost.amqp_url, app_id="shop", timeout=PATIENT) as publisher:
        yield publisher


@pytest.fixture
async def proxy(worker_vhost: WorkerVhost) -> AsyncIterator[Proxy]:
    target = urlsplit(worker_vhost.vhost.amqp_url)
    async with proxy_to(target.hostname or "", target.port or 5672) as proxy:
        yield proxy


def through(proxy: Proxy, vhost: VirtualHost) -> str:
    target = urlsplit(vhost.amqp_url)
    return target._replace(netloc=f"{target.username}:{target.password}@127.0.0.1:{proxy.port}").geturl()


def job_of(harness: WorkerHarness, **fields: Any) -> Job:
    class Chore(Job):
        kind: ClassVar[str] = harness.queue

    return Chore.model_validate(fields)


def theirs(message: AbstractIncomingMessage) -> dict[str, Any]:
    """The headers without the broker's own."""
    return {name: value for name, value in message.headers.items() if name != "x-delivery-count"}


def plain(harness: WorkerHarness, **changes: Any) -> Outgoing:
    fields = {"exchange": wire.JOBS, "routing_key": harness.queue, "body": b"{}", "message_id": "a"}
    return Outgoing(**{**fields, **changes})


async def test_a_job_lies_in_its_queue_complete(harness: WorkerHarness, publisher: Publisher) -> None:
    began = datetime.now(UTC).replace(microsecond=0)  # the wire has whole seconds
    message_id = await publisher.publish(job_of(harness, n=1))

    [message] = await take_all(harness.channel, harness.queue)
    assert message.body == b'{"n":1}'
    assert (message.message_id, message.content_type, message.delivery_mode) == (message_id, "application/json", 2)
    assert message.app_id == "shop"
    assert message.timestamp is not None
    assert began <= message.timestamp <= datetime.now(UTC)
    assert (message.exchange, message.routing_key) == ("jobs", harness.queue)
    assert theirs(message) == {}


async def test_options_travel_as_the_wire_s_headers(harness: WorkerHarness, publisher: Publisher) -> None:
    expires_at = datetime(2026, 12, 24, 18, tzinfo=UTC)
    options = PublishOptions(
        delay=timedelta(seconds=90),
        expires_at=expires_at,
        attempts=3,
        backoff="fixed",
        first_backoff=timedelta(seconds=2),
        correlation_id="order-7",
        headers={"tenant": "acme", "rate": 1e300},
    )

    await publisher.publish(job_of(harness), message_id="mine", options=options)

    [message] = await take_all(harness.channel, harness.queue)
    assert (message.message_id, message.correlation_id) == ("mine", "order-7")
    assert theirs(message) == {
        "delay-seconds": 90.0,
        "expires-at": "2026-12-24T18:00:00+00:00",
        "attempts": 3,
        "backoff": "fixed",
        "backoff-seconds": 2.0,
        "tenant": "acme",
        "rate": 1e300,
    }


async def test_many_at_once_are_all_stored(harness: WorkerHarness, publisher: Publisher) -> None:
    ids = await asyncio.gather(*(publisher.publish(job_of(harness, n=n)) for n in range(500)))

    stored = Counter(message.message_id for message in await take_all(harness.channel, harness.queue))
    assert stored == Counter(ids)


async def test_an_event_may_have_no_listeners(publisher: Publisher) -> None:
    class NobodyCares(Event):
        kind: ClassVar[str] = "nobody.cared"

    await publisher.publish(NobodyCares())


async def test_a_job_that_no_queue_takes_waits_in_unrouted(harness: WorkerHarness, publisher: Publisher) -> None:
    class Unknown(Job):
        kind: ClassVar[str] = "nobody.does"

    message_id = await publisher.publish(Unknown())

    assert message_id in [message.message_id for message in await take_all(harness.channel, "unrouted")]


async def test_what_has_no_place_at_all_is_unroutable(harness: WorkerHarness, publisher: Publisher) -> None:
    with pytest.raises(Unroutable, match=r"nowhere \(a\): exchange 'delay.due' leads to no queue"):
        await publisher.send(plain(harness, exchange="delay.due", routing_key="nowhere"))


async def test_an_exchange_that_does_not_exist_is_named_and_the_next_publish_works(
    harness: WorkerHarness, publisher: Publisher
) -> None:
    for _ in range(2):
        with pytest.raises(Unroutable, match="exchange 'absent' does not exist; run `postroom topology apply`"):
            await publisher.send(plain(harness, exchange="absent"))

        await publisher.publish(job_of(harness))

    assert await harness.depth() == 2


async def test_of_two_with_one_id_each_gets_its_own_answer(harness: WorkerHarness, publisher: Publisher) -> None:
    lost = plain(harness, exchange="delay.due", routing_key="nowhere")
    stored = plain(harness)

    for _ in range(20):
        answers = await asyncio.gather(
            *(publisher.send(each) for each in (lost, stored, lost, stored)), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [Unroutable, type(None), Unroutable, type(None)]

    assert await harness.depth() == 40


async def test_what_is_too_large_is_refused_here(publisher: Publisher) -> None:
    with pytest.raises(InvalidPublish, match=r"email\.send: 26\d{4} bytes, at most 262144 travel in a message; store"):
        await publisher.publish(SendEmail(to=["ada@example.com"], subject="s", body="x" * 262_144))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"message_id": "ü" * 200}, "a message id has at most 255 bytes"),
        ({"options": PublishOptions(headers={"tenant": b"\xff"})}, "header tenant error: Unknown type"),
        ({"options": PublishOptions(headers={"tenant": {1, 2}})}, "header tenant error: Unknown type"),
        ({"options": PublishOptions(headers={"tenant": 2**64})}, "header tenant error: Unsupported numeric value"),
        (
            {"options": PublishOptions(headers={"tenant": "a" * 70_000})},
            "1 headers of 700.. bytes, at most 100 of 65536",
        ),
        ({"options": PublishOptions(headers={f"h{n}": 1 for n in range(101)})}, "101 headers"),
    ],
)
async def test_what_amqp_cannot_carry_is_refused_and_harms_no_other(
    harness: WorkerHarness, publisher: Publisher, wrong: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidPublish, match=reason):
        await publisher.publish(job_of(harness), **wrong)

    await publisher.publish(job_of(harness))
    assert await harness.depth() == 1


async def test_no_broker_there_is_said_without_the_password(harness: WorkerHarness) -> None:
    async with Publisher("amqp://user:canary-4711@127.0.0.1:1/", timeout=PATIENT) as publisher:
        with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1/") as failure:
            await publisher.publish(job_of(harness))

    assert "canary" not in str(failure.value)


async def test_a_wrong_password_is_named_as_such(harness: WorkerHarness, worker_vhost: WorkerVhost) -> None:
    url = urlsplit(worker_vhost.vhost.amqp_url)
    wrong = url._replace(netloc=f"guest:canary-4711@{url.hostname}:{url.port}").geturl()

    async with Publisher(wrong, timeout=PATIENT) as publisher:
        with pytest.raises(BrokerUnavailable, match="refused the user or its password") as failure:
            await publisher.publish(job_of(harness))

    assert "canary" not in str(failure.value)


async def test_a_virtual_host_that_does_not_exist_is_unavailable(
    harness: WorkerHarness, worker_vhost: WorkerVhost
) -> None:
    async with Publisher(f"{worker_vhost.vhost.amqp_url}-absent", timeout=PATIENT) as publisher:
        with pytest.raises(BrokerUnavailable):
            await publisher.publish(job_of(harness))


async def test_a_broker_that_does_not_answer_is_a_time_out_and_publishing_again_is_safe(
    harness: WorkerHarness, worker_vhost: WorkerVhost, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Publisher(through(proxy, worker_vhost.vhost), timeout=PATIENT) as publisher:
        await publisher.publish(job_of(harness), message_id="first")
        proxy.hold()
        with monkeypatch.context() as silent:
            silent.setattr(publisher, "_timeout", IMPATIENT)
            with pytest.raises(PublishTimeout, match=r"not confirmed within 1 s .* publish it again with the same id"):
                await publisher.publish(job_of(harness), message_id="second")

        proxy.release()
        await publisher.publish(job_of(harness), message_id="second")

    assert {message.message_id for message in await take_all(harness.channel, harness.queue)} == {"first", "second"}


async def test_a_lost_connection_is_made_again(harness: WorkerHarness, worker_vhost: WorkerVhost, proxy: Proxy) -> None:
    async with Publisher(through(proxy, worker_vhost.vhost), timeout=PATIENT) as publisher:
        for number in range(3):
            await publisher.publish(job_of(harness, n=number))
            proxy.cut()
            await eventually(lambda: not publisher.is_connected)

    assert await harness.depth() == 3


async def test_a_broker_that_went_away_is_said_and_found_again_when_it_is_back(
    harness: WorkerHarness, worker_vhost: WorkerVhost, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Publisher(through(proxy, worker_vhost.vhost), timeout=PATIENT) as publisher:
        await publisher.publish(job_of(harness))
        await proxy.refuse()
        await eventually(lambda: not publisher.is_connected)
        with monkeypatch.context() as away:
            away.setattr(publisher, "_timeout", IMPATIENT)
            for _ in range(2):
                with pytest.raises(BrokerUnavailable, match=r"no connection to .* within 1 s; nothing was sent"):
                    await publisher.publish(job_of(harness))

        await proxy.listen()
        await eventually(lambda: publisher.is_connected)
        await publisher.publish(job_of(harness))

    assert await harness.depth() == 2


async def test_what_was_in_flight_when_the_connection_broke_is_not_called_stored(
    harness: WorkerHarness, worker_vhost: WorkerVhost, proxy: Proxy
) -> None:
    async def are_written(count: int) -> bool:
        channel = await publisher._ready_channel()
        return len((await channel.get_underlay_channel()).confirmations) == count  # type: ignore[attr-defined]

    async with Publisher(through(proxy, worker_vhost.vhost), timeout=PATIENT) as publisher:
        await publisher.connect()
        proxy.hold()
        in_flight = asyncio.gather(*(publisher.publish(job_of(harness)) for _ in range(10)), return_exceptions=True)
        await eventually(lambda: are_written(10))  # and none is confirmed
        proxy.cut()
        answers = await in_flight

    assert {type(answer) for answer in answers} == {BrokerUnavailable}
    assert "publish it again with the same id" in str(answers[0])
