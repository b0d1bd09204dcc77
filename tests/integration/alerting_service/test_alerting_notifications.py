"""The alerting service notifies, on a real broker, database and HTTP server."""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from aio_pika.abc import AbstractChannel

from postroom import wire
from postroom.settings import RuntimeSettings
from postroom.storage.database import Database
from postroom.testing import eventually, running_service
from postroom_alerting.models import FailureGroupRow, FailureRow
from postroom_alerting.service import service as alerting_service
from tests.support.alert_sinks import HttpSink
from tests.support.alerting_service import CANARY, bury, counted, depth, depth_is, failed_events, rows
from tests.support.processes import run

# A library that one of apprise's plugins imports at the first use.
pytestmark = pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")


async def test_a_dead_letter_is_recorded_and_a_notification_is_sent(
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


async def test_no_notification_is_sent_of_its_own_dead_letters_and_of_probes(
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


async def test_a_channel_that_is_down_delays_its_notification_and_nothing_else(
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

    # Another start of the service: what was not sent is in the database.
    monkeypatch.setattr("postroom_alerting.notify.dispatcher.POLL_INTERVAL", timedelta(seconds=0.2))
    http_sink.status = 200
    async with running_service(alerting_service, settings):
        [notification] = await eventually(lambda: http_sink.bodies)

    assert notification["title"] == "email.send: RecipientRefused, 1 message"


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
