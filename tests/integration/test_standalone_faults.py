"""One process without a broker, when its file or a part of it fails: nothing is lost, held up or unnoticed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.exc import OperationalError

from postroom.runtime.assembly import LoadedService, Runtime
from postroom.runtime.process import EXIT_LOST_CONSUMERS
from postroom.settings import RuntimeSettings
from postroom.standalone import transport
from postroom.standalone.broker import RowEnding, SqliteBroker, open_broker
from postroom.standalone.runner import open_standalone
from postroom.standalone.transport import SqlitePublisher
from postroom.testing import eventually, running_standalone
from postroom.wire.errors import BrokerUnavailable, ConfigurationError
from postroom.worker import Adapters, Delivery, Worker
from tests.support import crash_worker
from tests.support.crash_worker import COUNTING_FILE, QUEUE, Count, CountingFile
from tests.support.patience import WORK, seconds
from tests.support.standalone import Place, calling_providers
from tests.support.transports import Happened, listening, nothing

ONE, OTHER = listening("one", Happened), listening("other", Happened)


@pytest.fixture
def settings(tmp_path: Path) -> RuntimeSettings:
    return RuntimeSettings(data_dir=tmp_path / "data", health_port=0)


@pytest.fixture
def counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CountingFile:
    monkeypatch.setenv(COUNTING_FILE, str(tmp_path / "steps"))
    return CountingFile(tmp_path / "steps")


@pytest.fixture
async def place(settings: RuntimeSettings, counting: CountingFile) -> AsyncIterator[Place]:
    workers = [LoadedService(crash_worker.worker, crash_worker.adapters)]
    async with running_standalone(workers, settings) as broker:
        yield Place(broker)


def failing(monkeypatch: pytest.MonkeyPatch, name: str, error: Exception, *, times: int) -> list[Exception]:
    """The file's method of that name raises `error` so many times, and works again then. Returns what is left."""
    left, works = [error] * times, getattr(SqliteBroker, name)

    async def fail(broker: SqliteBroker, *arguments: Any, **named: Any) -> Any:
        if left:
            raise left.pop()
        return await works(broker, *arguments, **named)

    monkeypatch.setattr(SqliteBroker, name, fail)
    return left


DISK_IS_FULL = OperationalError("DELETE", {}, OSError("database or disk is full"))


async def test_what_could_not_be_written_down_as_done_is_written_later_and_holds_nobody_up(
    settings: RuntimeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    worker = Worker("narrow")

    @worker.handles(Count, prefetch=1)
    async def do(_job: Count, delivery: Delivery) -> None:
        done.append(delivery.ensure_id())

    monkeypatch.setattr(transport, "RETRY_SECONDS", 0.01)
    async with running_standalone([LoadedService(worker, nothing)], settings) as broker:
        place = Place(broker)
        left = failing(monkeypatch, "settle", DISK_IS_FULL, times=5)
        for name in ("a", "b", "c"):
            await place.publisher.publish(Count(), message_id=name)
        await place.drained()

    assert (done, left) == (["a", "b", "c"], [])


async def test_a_file_that_cannot_be_read_is_waited_for_and_told(
    settings: RuntimeSettings, counting: CountingFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = [
        LoadedService(crash_worker.worker, crash_worker.adapters),
        LoadedService(ONE, nothing),
    ]
    monkeypatch.setattr(transport, "RETRY_SECONDS", 0.01)
    async with open_standalone(settings, workers) as (runner, broker):
        task = asyncio.create_task(runner.serve())
        await eventually(lambda: not runner.problems())
        left = failing(monkeypatch, "next_due", OSError(5, "Input/output error"), times=1_000_000)
        problem = {
            "counting consumers": f"not at the broker: {QUEUE}",
            "one consumers": "not at the broker: one.on.thing.happened",
        }
        await eventually(lambda: runner.problems() == problem)
        left.clear()
        await eventually(lambda: not runner.problems())
        place = Place(broker)
        await place.publisher.publish(Count(), message_id="m")
        await place.drained()
        runner.stop()
        assert await task == 0
    assert counting.count("done") == {"m": 1}


async def test_a_loop_that_ends_of_what_nobody_foresaw_ends_the_process(
    settings: RuntimeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, "next_due", ZeroDivisionError(), times=1)
    async with open_standalone(
        settings,
        [LoadedService(ONE, nothing), LoadedService(OTHER, nothing)],
    ) as (runner, _):
        async with asyncio.timeout(seconds(WORK)):
            assert await runner.serve() == EXIT_LOST_CONSUMERS


async def test_a_service_that_cannot_be_opened_ends_the_others_too(settings: RuntimeSettings) -> None:
    closed: list[str] = []

    @asynccontextmanager
    async def noting(_runtime: Runtime) -> AsyncIterator[Adapters]:
        yield {}
        closed.append("one")

    @asynccontextmanager
    async def wrong(_runtime: Runtime) -> AsyncIterator[Adapters]:
        raise ConfigurationError("OTHER_URL: there is no such scheme")
        yield {}

    async with open_standalone(
        settings,
        [LoadedService(ONE, noting), LoadedService(OTHER, wrong)],
    ) as (runner, _):
        with pytest.raises(ConfigurationError, match="OTHER_URL"):
            await runner.serve()
    assert closed == ["one"]


async def test_what_the_file_does_not_take_is_no_place_for_its_publisher_to_lose(
    place: Place, monkeypatch: pytest.MonkeyPatch, counting: CountingFile
) -> None:
    failing(monkeypatch, "store", DISK_IS_FULL, times=1)
    with pytest.raises(BrokerUnavailable, match=r"m.*local\.sqlite3 does not take it: OperationalError"):
        await place.publisher.publish(Count(), message_id="m")
    await place.publisher.publish(Count(), message_id="m")
    await place.drained()
    assert counting.count("done") == {"m": 1}


async def test_a_number_of_a_message_is_not_used_again(settings: RuntimeSettings) -> None:
    async with open_broker(settings, ONE.subscriptions.values()) as broker:
        place = Place(broker)
        await place.publisher.connect()
        numbers = []
        for _ in range(2):
            await place.publisher.publish(Happened())
            [delivery] = await broker.deliver("one.on.thing.happened", without=[], at_most=1)
            await broker.settle({delivery.tag: RowEnding.DONE})
            numbers.append(delivery.tag)
    assert numbers[1] > numbers[0]


async def test_a_job_that_had_no_queue_is_routed_when_it_is_replayed(
    settings: RuntimeSettings, counting: CountingFile
) -> None:
    async with open_broker(settings, ONE.subscriptions.values()) as broker:
        await broker.open()
        await SqlitePublisher(broker, "a program").publish(Count(), message_id="m")
    async with running_standalone([LoadedService(crash_worker.worker, crash_worker.adapters)], settings) as broker:
        [letter] = await broker.dead()
        await broker.replay(letter.id)
        await Place(broker).drained()
        assert await broker.dead() == []
    assert counting.count("done") == {"m": 1}


async def test_a_service_whose_provider_is_there_hides_no_outage_of_another(settings: RuntimeSettings) -> None:
    away = {"one", "other"}
    async with calling_providers(settings, away) as runner:
        await eventually(lambda: runner.details().get("outages", {}).keys() == {"one", "other"}, within=WORK)
        assert circuits_open() == {"one": 1, "other": 1}
        away.remove("other")
        await eventually(lambda: runner.details()["outages"].keys() == {"one"}, within=WORK)
        assert circuits_open() == {"one": 1, "other": 0}
        away.clear()


def circuits_open() -> dict[str, float | None]:
    """The metric, by service."""
    return {name: REGISTRY.get_sample_value("postroom_circuit_open", {"service": name}) for name in ("one", "other")}
