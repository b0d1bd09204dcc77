"""Fixtures of the tests that run a worker on a real broker."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shared.broker_node import BrokerNode
from tests.support.worker import Desk, Station, desk_at, station_on


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
