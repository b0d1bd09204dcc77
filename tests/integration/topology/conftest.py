"""Fixtures of the tests that bring a broker to a topology."""

from collections.abc import AsyncIterator, Iterator

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from postroom.broker.management import Management
from postroom.broker.topology import Topology, build_topology
from postroom.broker.topology.application import apply_topology
from postroom.settings import RuntimeSettings
from postroom.wire.messages import SendEmail, UserCreated
from postroom.worker import Worker
from tests.support.brokers import VirtualHost


@pytest.fixture
def topology() -> Topology:
    worker = Worker("email")

    @worker.handles(SendEmail)
    async def send_email(job: SendEmail) -> None: ...

    @worker.listens(UserCreated)
    async def greet(event: UserCreated) -> None: ...

    return build_topology(worker.subscriptions.values())


@pytest.fixture
def settings(vhost: VirtualHost) -> RuntimeSettings:
    return RuntimeSettings(amqp_url=vhost.amqp_url, management_url=vhost.management_url)


@pytest.fixture
def url(settings: RuntimeSettings) -> str:
    return settings.amqp_url.get_secret_value()


@pytest.fixture
def management(settings: RuntimeSettings) -> Iterator[Management]:
    with Management.from_settings(settings) as client:
        yield client


@pytest.fixture
def applied(management: Management, topology: Topology) -> None:
    apply_topology(topology, management)


@pytest.fixture
async def channel(url: str, applied: None) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(url) as connection:
        yield await connection.channel()
