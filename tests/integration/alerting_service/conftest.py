"""A broker, a database and an HTTP server for the alerting service."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from postroom.broker.management import Management
from postroom.broker.topology import build_topology
from postroom.broker.topology.application import apply_topology
from postroom.settings import RuntimeSettings
from postroom.storage.database import Database
from postroom.wire.messages import SendEmail
from postroom.worker import Worker
from postroom_alerting.handlers import worker
from tests.support.alert_sinks import HttpSink, serve_http
from tests.support.alerting_service import CANARY
from tests.support.databases import service_database


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
    # Nobody reads `email.send` here. On a slow machine people would be notified of that too.
    monkeypatch.setenv("ALERTING_NO_CONSUMER_SECONDS", "3600")
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
