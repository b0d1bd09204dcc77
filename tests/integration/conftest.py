"""Fixtures of the tests that run a worker, or a command over dead letters, on a real broker."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from shared.broker_node import BrokerNode
from shared.cli import app, asking, output
from tests.support.brokers import VirtualHost
from tests.support.dead_letters import Bench, DeadCommand, bench_on
from tests.support.servers import shared_server
from tests.support.worker import Desk, Station, desk_at, station_on


@pytest.fixture(scope="session", autouse=True)
def quick_answers() -> None:
    """Commands that are run in this process ask programs that have imported everything already."""
    asking.PYTHON = shared_server("prefork")["python"]


@pytest.fixture(scope="module")
def station(broker: BrokerNode) -> Iterator[Station]:
    """A virtual host for the tests of a module."""
    with station_on(broker) as station:
        yield station


@pytest.fixture
async def desk(station: Station, tmp_path: Path) -> AsyncIterator[Desk]:
    """A kind of job of the test's own."""
    async with desk_at(station, tmp_path) as desk:
        yield desk


@pytest.fixture
async def bench(vhost: VirtualHost) -> AsyncIterator[Bench]:
    """A work queue with its dead letters, on a virtual host of the test's own."""
    async with bench_on(vhost.amqp_url) as bench:
        yield bench


@pytest.fixture
def dead(vhost: VirtualHost, monkeypatch: pytest.MonkeyPatch) -> DeadCommand:
    """`postroom dead` with these arguments, and what is typed in, on that virtual host."""
    monkeypatch.setenv("POSTROOM_AMQP_URL", vhost.amqp_url)
    monkeypatch.setenv("POSTROOM_MANAGEMENT_URL", vhost.management_url)
    monkeypatch.setattr(output.out, "width", 200)

    async def run(*arguments: Any, given: str | None = None) -> Result:
        # In a thread: the command has an event loop of its own.
        return await asyncio.to_thread(CliRunner().invoke, app, ["dead", *map(str, arguments)], given)

    return run
