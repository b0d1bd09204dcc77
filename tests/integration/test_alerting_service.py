"""The alerting service on a real broker, database and HTTP server."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from prometheus_client import REGISTRY
from sqlalchemy import select

from postroom import wire
from postroom.broker.management import Management
from postroom.broker.publishing import Publisher
from postroom.broker.topology import build_topology
from postroom.broker.topology.application import apply_topology
from postroom.operator.dead_letters import Pace, Selection, Watch, discard, replay, target_of
from postroom.runtime import Worker
from postroom.runtime.processing.settlement import completed
from postroom.settings import RuntimeSettings
from postroom.storage.database import Database
from postroom.testing import eventually, make_delivery, running_service
from postroom.wire.errors import PublishTimeout
from postroom.wire.messages import JobFailed, Message, SendEmail
from postroom_alerting import handlers
from postroom_alerting.handlers import worker
from postroom_alerting.models import FailureGroupRow, FailureRow, IncidentRow
from postroom_alerting.service import service as alerting_service
from tests.support.alert_sinks import HttpSink, serve_http
from tests.support.databases import service_database
from tests.support.processes import run

# A library that one of apprise's plugins imports at the first use.
pytestmark = pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")

CANARY = "canary-4711-token"


def make_email_worker() -> Worker:
    email = Worker("email")

    @email.handles(SendEmail)
    async def send_email(job: SendEmail) -> None: ...

    return email


@pytest.fixture
def http_sink() -> Iterator[HttpSink]:
    with serve_http() as sink:
        yield sink


@pytest.fixture
def settings(vhost: Any, tmp_path: Path, http_sink: HttpSink, monkeypatch: pytest.MonkeyPatch) -> RuntimeSettings:
    monkeypatch.setenv("ALERTING_CHANNELS", f"json://127.0.0.1:{http_sink.port}/{CANARY}")
    settings = RuntimeSettings(
        amqp_url=vhost.amqp_url, management_url=vhost.management_url, data_dir=tmp_path, health_port=0
    )
    subscriptions = [
        subscription for each in (make_email_worker(), worker) for subscription in each.subscriptions.values()
    ]
    with Management.from_settings(settings) as management:
        apply_topology(build_topology(subscriptions), management)
    return settings


@pytest.fixture
async def channel(settings: RuntimeSettings) -> AsyncIterator[AbstractChannel]:
    connection = await aio_pika.connect(settings.amqp_url.get_secret_value())
    async with connection:
        yield await connection.channel()


@pytest.fixture
async def database(settings: RuntimeSettings) -> AsyncIterator[Database]:
    database = service_database(settings.service_database_url("alerting"), "alerting")
    await database.migrate()
    yield database
    await database.close()


async def bury(channel: AbstractChannel, message_id: str, **changes: Any) -> None:
    """Publish a dead letter as a worker does."""
    headers = {
        wire.X_ERROR_TYPE: "RecipientRefused",
        wire.X_ERROR: "ada@example.com: 550 5.1.1 no such user",
        wire.X_FAILED_AT: datetime.now(UTC).isoformat(),
        wire.X_QUEUE: "email.send",
        wire.X_ROUTING_KEY: "email.send",
        wire.X_ATTEMPT: 1,
    } | changes.pop("headers", {})
    body = changes.pop("body", json.dumps({"to": "ada@example.com", "password": CANARY}).encode())
    exchange = await channel.get_exchange(wire.DEAD_LETTERS, ensure=False)
    message = aio_pika.Message(body, message_id=message_id, headers=headers, delivery_mode=2)
    await exchange.publish(message, changes.pop("routing_key", "email.send"))


async def rows(database: Database, model: Any) -> list[Any]:
    async with database.session() as session:
        return list((await session.execute(select(model))).scalars())


async def counted(database: Database, total: int) -> bool:
    return sum(row.count for row in await rows(database, FailureGroupRow)) == total


async def are(database: Database, *states: str) -> bool:
    """Whether these are the states of all groups."""
    return sorted(row.state for row in await rows(database, IncidentRow)) == sorted(states)


async def depth(channel: AbstractChannel, queue: str) -> int:
    return (await channel.declare_queue(queue, passive=True)).declaration_result.message_count or 0


async def failed_events(channel: AbstractChannel) -> Any:
    queue = await channel.declare_queue("listener", durable=True, arguments={"x-queue-type": "quorum"})
    await queue.bind(wire.EVENTS, "job.failed")
    return queue


async def test_a_dead_letter_is_recorded_and_somebody_is_told(
    settings: RuntimeSettings, channel: AbstractChannel, database: Database, http_sink: HttpSink
) -> None:
    listener = await failed_events(channel)

    async with running_service(alerting_service, settings):
        await bury(channel, "m-1")
        [notification] = await eventually(lambda: http_sink.bodies)
        event = await eventually(lambda: listener.get(no_ack=True, fail=False))

    assert notification["title"] == "email.send: RecipientRefused, 1 message"
    assert "postroom dead show email.send.dead --id m-1" in notification["message"]
    assert "ada@" not in json.dumps(notification)
    assert CANARY not in json.dumps(notification)
    [row] = await rows(database, FailureRow)
    assert (row.queue, row.message_id, row.kind, row.count) == ("email.send", "m-1", "email.send", 1)
    assert CANARY not in row.payload
    assert "ada@" not in row.payload + row.error
    assert json.loads(event.body)["job_id"] == "m-1"
    assert json.loads(event.body)["error_type"] == "RecipientRefused"
    assert await depth(channel, "email.send.dead") == 1
    assert await depth(channel, "alerting.dead") == 0


async def test_a_burst_is_one_notification_also_with_two_replicas(
    settings: RuntimeSettings, channel: AbstractChannel, database: Database, http_sink: HttpSink
) -> None:
    async with AsyncExitStack() as replicas:
        for _ in range(2):
            await replicas.enter_async_context(running_service(alerting_service, settings))
        await asyncio.gather(*(bury(channel, f"m-{number}") for number in range(200)))
        await eventually(lambda: counted(database, 200))
        await eventually(lambda: http_sink.bodies)

    assert len(http_sink.bodies) == 1
    [group] = await rows(database, FailureGroupRow)
    assert group.notified_at is not None


async def test_a_channel_that_is_down_delays_the_alert_and_nothing_else(
    settings: RuntimeSettings,
    channel: AbstractChannel,
    database: Database,
    http_sink: HttpSink,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    http_sink.status = 503
    async with running_service(alerting_service, settings):
        await bury(channel, "m-1")
        await eventually(lambda: counted(database, 1))
        await eventually(lambda: http_sink.requests)
        [group] = await rows(database, FailureGroupRow)
        assert group.notified_at is None

    # Another start of the service: what was not told is in the database.
    monkeypatch.setattr("postroom_alerting.notify.dispatcher.POLL_INTERVAL", timedelta(seconds=0.2))
    http_sink.status = 200
    async with running_service(alerting_service, settings):
        [notification] = await eventually(lambda: http_sink.bodies)

    assert notification["title"] == "email.send: RecipientRefused, 1 message"


async def test_whatever_comes_is_recorded_and_delays_nobody(
    settings: RuntimeSettings, channel: AbstractChannel, database: Database
) -> None:
    async with running_service(alerting_service, settings):
        await bury(channel, "not json", body=b"\xff\x00{")
        await bury(channel, "large", body=b"x" * 300_000)
        await bury(channel, "expired", headers={wire.EXPIRES_AT: "2020-01-01T00:00:00Z", wire.X_ERROR_TYPE: "Expired"})
        await bury(channel, "wishes", headers={wire.ATTEMPTS: -3, wire.DELAY_SECONDS: 3600, wire.BACKOFF: "odd"})
        await bury(channel, "many headers", headers={f"h{number}": "x" for number in range(300)})
        await bury(channel, "no reason", headers={wire.X_ERROR: None, wire.X_ERROR_TYPE: None, wire.X_FAILED_AT: None})
        await bury(channel, "nul", headers={wire.X_ERROR: "a\0b", "odd": [{"x": bytearray(b"\xff")}]})
        await eventually(lambda: counted(database, 7))

    names = {row.message_id for row in await rows(database, FailureRow)}
    assert names == {"not json", "large", "expired", "wishes", "many headers", "no reason", "nul"}
    assert await depth(channel, "alerting.dead") == 0
    assert await depth(channel, "alerting") == 0


async def test_what_the_broker_buried_itself_and_what_no_queue_takes_is_recorded(
    settings: RuntimeSettings, channel: AbstractChannel, database: Database
) -> None:
    jobs = await channel.get_exchange(wire.JOBS, ensure=False)
    async with running_service(alerting_service, settings):
        await jobs.publish(aio_pika.Message(b"{}", message_id="rejected", delivery_mode=2), "email.send")
        source = await channel.get_queue("email.send")
        await (await eventually(lambda: source.get(fail=False))).reject(requeue=False)
        await jobs.publish(aio_pika.Message(b"{}", message_id="nobody's", delivery_mode=2), "report.generat")
        await eventually(lambda: counted(database, 2))

    causes = {(row.queue, row.kind, row.error_type) for row in await rows(database, FailureRow)}
    assert causes == {
        ("email.send", "email.send", "Rejected"),
        ("unrouted", "report.generat", "Unrouted"),
    }


def given_back() -> float:
    labels = {"queue": wire.ALERTING_QUEUE, "outcome": "returned"}
    return REGISTRY.get_sample_value("postroom_messages_total", labels) or 0


@pytest.mark.parametrize("by_broker", [False, True], ids=["by a worker", "by the broker"])
async def test_what_is_away_for_longer_than_patience_sends_no_message_to_its_own_dead_letters(
    settings: RuntimeSettings,
    channel: AbstractChannel,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    *,
    by_broker: bool,
) -> None:
    monkeypatch.setattr(handlers, "PATIENCE", timedelta(seconds=0.3))
    listener = await failed_events(channel)
    before, publish = given_back(), Publisher.publish

    async def publish_later(self: Publisher, message: Message, **options: Any) -> str:
        if isinstance(message, JobFailed) and given_back() < before + 3:
            raise PublishTimeout("an alarm")
        return await publish(self, message, **options)

    monkeypatch.setattr(Publisher, "publish", publish_later)
    async with running_service(alerting_service, settings):
        if by_broker:
            jobs = await channel.get_exchange(wire.JOBS, ensure=False)
            await jobs.publish(aio_pika.Message(b"{}", message_id="m-1", delivery_mode=2), "email.send")
            source = await channel.get_queue("email.send")
            await (await eventually(lambda: source.get(fail=False))).reject(requeue=False)
        else:
            await bury(channel, "m-1")
        event = await eventually(lambda: listener.get(no_ack=True, fail=False))

    assert json.loads(event.body)["job_id"] == "m-1"
    [row] = await rows(database, FailureRow)
    assert (row.queue, row.message_id, row.count) == ("email.send", "m-1", 1)
    assert await depth(channel, "alerting.dead") == 0


async def test_the_same_death_twice_is_one_and_a_death_after_a_replay_is_another(
    settings: RuntimeSettings, channel: AbstractChannel, database: Database
) -> None:
    listener = await failed_events(channel)
    async with running_service(alerting_service, settings):
        for failed_at in ("2026-03-01T12:00:00+00:00", "2026-03-01T12:00:00+00:00", "2026-03-02T12:00:00+00:00"):
            await bury(channel, "m-1", headers={wire.X_FAILED_AT: failed_at})
            await asyncio.sleep(0)
        await bury(channel, "last")
        await eventually(lambda: counted(database, 3))
        await eventually(lambda: depth_is(channel, "listener", 3))

    by_id = {row.message_id: row.count for row in await rows(database, FailureRow)}
    assert by_id == {"m-1": 2, "last": 1}
    ids = {(await listener.get(no_ack=True)).message_id for _ in range(3)}
    assert len(ids) == 3


async def test_a_listener_that_fails_on_every_failure_makes_no_loop(
    settings: RuntimeSettings, channel: AbstractChannel, database: Database
) -> None:
    listener = await failed_events(channel)
    async with running_service(alerting_service, settings):
        headers = {wire.X_ROUTING_KEY: "job.failed", wire.X_QUEUE: "audit.on.job.failed"}
        await bury(channel, "e-1", headers=headers, routing_key="audit.on.job.failed")
        await bury(channel, "m-1")
        await eventually(lambda: counted(database, 2))
        event = await eventually(lambda: listener.get(no_ack=True, fail=False))

    assert json.loads(event.body)["job_id"] == "m-1"
    assert await depth(channel, "listener") == 0


async def test_its_own_dead_letters_and_probes_alert_nobody(
    settings: RuntimeSettings, channel: AbstractChannel, database: Database, http_sink: HttpSink
) -> None:
    async with running_service(alerting_service, settings):
        await bury(channel, "own", routing_key="alerting", headers={wire.X_QUEUE: "alerting"})
        await bury(channel, "probe", headers={wire.X_PROBE: "1"})
        await bury(channel, "m-1")
        await eventually(lambda: http_sink.bodies)
        await eventually(lambda: depth_is(channel, "alerting", 0))

    assert [row.message_id for row in await rows(database, FailureRow)] == ["m-1"]
    assert len(http_sink.bodies) == 1


async def depth_is(channel: AbstractChannel, queue: str, expected: int) -> bool:
    return await depth(channel, queue) == expected


async def test_a_group_is_resolved_when_its_message_is_done_and_comes_back_with_the_next_death(
    settings: RuntimeSettings, channel: AbstractChannel, database: Database, http_sink: HttpSink
) -> None:
    events = await channel.get_exchange(wire.EVENTS, ensure=False)

    async def finish(kind: str, **fields: Any) -> None:
        body = json.dumps({"queue": "email.send", **fields}).encode()
        await events.publish(aio_pika.Message(body, message_id=f"{kind} {fields}"[:200], delivery_mode=2), kind)

    def told(state: str) -> list[str]:
        return [body["title"] for body in http_sink.bodies if body["state"] == state]

    async with running_service(alerting_service, settings):
        await bury(channel, "m-1")
        await eventually(lambda: told("new"))
        done_at = datetime.now(UTC).isoformat()
        await finish("job.completed", job_id="m-1", attempts=1, replays=1, completed_at=done_at)
        await eventually(lambda: told("resolved"))
        await bury(channel, "m-2")
        await eventually(lambda: told("came back"))
        discarded = {"message_ids": ["m-2"], "by": "ada@desk", "reason": "wrong"}
        after_its_death = datetime.now(UTC) + timedelta(hours=1)
        await finish("dead-letter.discarded", at=after_its_death.isoformat(), **discarded)
        await eventually(lambda: len(told("resolved")) == 2)

    states = {row.message_id: row.state for row in await rows(database, FailureRow)}
    assert states == {"m-1": "done", "m-2": "discarded"}
    assert "ada@" not in json.dumps(http_sink.bodies)


async def test_one_id_that_was_dead_in_two_queues_and_is_done_in_both_leaves_no_group_open(
    settings: RuntimeSettings, channel: AbstractChannel, database: Database
) -> None:
    queues = ("email.on.user.created", "sms.on.user.created")
    events = await channel.get_exchange(wire.EVENTS, ensure=False)

    async with running_service(alerting_service, settings):
        for queue in queues:
            await bury(channel, "u-1", routing_key=queue, headers={wire.X_QUEUE: queue})
        await eventually(lambda: counted(database, 2))
        for queue in queues:
            replay = make_delivery(b"{}", queue=queue, message_id="u-1", headers={wire.X_FAILED_AT: "2026-03-01"})
            end = completed(replay)
            await events.publish(end.to_amqp(), end.routing_key)
        await eventually(lambda: are(database, "resolved", "resolved"))

    assert {row.queue: row.state for row in await rows(database, FailureRow)} == dict.fromkeys(queues, "done")


async def test_a_job_that_no_queue_took_is_dead_until_it_is_replayed_or_discarded_and_each_time_anew(
    settings: RuntimeSettings, channel: AbstractChannel, database: Database, http_sink: HttpSink
) -> None:
    jobs = await channel.get_exchange(wire.JOBS, ensure=False)
    url, kind = settings.amqp_url.get_secret_value(), "sms.send"

    async def publish(moment: datetime) -> None:
        await jobs.publish(aio_pika.Message(b"{}", message_id="m-1", delivery_mode=2, timestamp=moment), kind)

    def told(state: str) -> bool:
        of_group = [body["state"] for body in http_sink.bodies if body.get("error_type") == "Unrouted"]
        return of_group[-1:] == [state]

    async with running_service(alerting_service, settings):
        await publish(datetime(2026, 3, 1, 12, tzinfo=UTC))
        await eventually(lambda: told("new"))
        service = await channel.declare_queue(kind, durable=True, arguments={"x-queue-type": "quorum"})
        await service.bind(wire.JOBS, kind)  # the service is deployed
        outcome = await replay(url, target_of("unrouted"), Selection(), pace=Pace(), watch=Watch())
        assert outcome.settled == 1
        await eventually(lambda: told("resolved"))

        await service.unbind(wire.JOBS, kind)  # and taken away again, with its queue, before it took the job
        job = await eventually(lambda: service.get(no_ack=True, fail=False))
        await jobs.publish(aio_pika.Message(job.body, message_id="m-1", headers=job.headers, delivery_mode=2), kind)
        await eventually(lambda: told("came back"))
        with_reason = {"reason": "misspelt", "watch": Watch()}
        await discard(url, target_of("unrouted"), Selection(), **with_reason)
        await eventually(lambda: told("resolved"))

        await publish(datetime.now(UTC) + timedelta(hours=1))  # whole seconds, and later than the discard
        await eventually(lambda: counted(database, 3))

    [row] = await rows(database, FailureRow)
    assert (row.message_id, row.count, row.state) == ("m-1", 3, "open")


async def test_a_broken_rules_file_is_refused_at_the_start(settings: RuntimeSettings, tmp_path: Path) -> None:
    path = tmp_path / "alerts.yaml"
    path.write_text("channels: {team: log}\nrules:\n  - to: [tema]\n")
    environment = {
        "POSTROOM_AMQP_URL": settings.amqp_url.get_secret_value(),
        "POSTROOM_DATA_DIR": str(tmp_path),
        "POSTROOM_HEALTH_PORT": "0",
        "ALERTING_RULES": str(path),
    }

    ended = await run(sys.executable, "-m", "postroom_alerting", environment=environment)

    assert ended.code == 78
    assert f"{path}:3: rules.1: there is no channel tema" in ended.output
