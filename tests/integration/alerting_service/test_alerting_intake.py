"""The alerting service records what comes in, on a real broker and database."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from prometheus_client import REGISTRY

from postroom import wire
from postroom.broker.publishing import Publisher
from postroom.settings import RuntimeSettings
from postroom.storage.database import Database
from postroom.testing import eventually, running_service
from postroom.wire.errors import PublishTimeout
from postroom.wire.messages import JobFailed, Message
from postroom_alerting import handlers
from postroom_alerting.models import FailureRow
from postroom_alerting.service import service as alerting_service
from tests.support.alerting_service import bury, counted, depth, depth_is, failed_events, rows

# A library that one of apprise's plugins imports at the first use.
pytestmark = pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")


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
