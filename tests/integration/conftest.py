"""Fixtures of the tests that run a worker, or a command over dead letters, on a real broker."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from postroom import terminal
from postroom.devkit.broker_node import BrokerNode
from postroom.operator.cli import app
from tests.support.brokers import VirtualHost
from tests.support.dead_letters import DeadCommand, DeadLetterHarness, dead_harness_on
from tests.support.worker import WorkerHarness, WorkerVhost, harness_at, worker_vhost_on


@pytest.fixture(scope="module")
def worker_vhost(broker: BrokerNode) -> Iterator[WorkerVhost]:
    """A virtual host for the tests of a module."""
    with worker_vhost_on(broker) as worker_vhost:
        yield worker_vhost


@pytest.fixture
async def harness(worker_vhost: WorkerVhost, tmp_path: Path) -> AsyncIterator[WorkerHarness]:
    """A kind of job of the test's own."""
    async with harness_at(worker_vhost, tmp_path) as harness:
        yield harness


@pytest.fixture
async def dead_harness(vhost: VirtualHost) -> AsyncIterator[DeadLetterHarness]:
    """A work queue with its dead letters, on a virtual host of the test's own."""
    async with dead_harness_on(vhost.amqp_url) as dead_harness:
        yield dead_harness


@pytest.fixture
def dead(vhost: VirtualHost, monkeypatch: pytest.MonkeyPatch) -> DeadCommand:
    """`postroom dead` with these arguments, and what is typed in, on that virtual host."""
    monkeypatch.setenv("POSTROOM_AMQP_URL", vhost.amqp_url)
    monkeypatch.setenv("POSTROOM_MANAGEMENT_URL", vhost.management_url)
    monkeypatch.setattr(terminal.out, "width", 200)

    async def run(*arguments: Any, given: str | None = None) -> Result:
        # In a thread: the command has an event loop of its own.
        return await asyncio.to_thread(CliRunner().invoke, app, ["dead", *map(str, arguments)], given)

    return run
