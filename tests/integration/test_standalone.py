"""One process without a broker keeps the promises that hold with one."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy.exc import OperationalError

from postroom import wire
from postroom.broker.publishing import Outgoing, PublishOptions
from postroom.runtime import Adapters, Delivery, Worker
from postroom.runtime.assembly import LoadedService, Runtime, load_service
from postroom.runtime.process import EXIT_LOST_CONSUMERS
from postroom.settings import RuntimeSettings
from postroom.standalone import transport
from postroom.standalone.broker import SqliteBroker, Verdict, open_broker
from postroom.standalone.runner import open_standalone
from postroom.standalone.transport import SqlitePublisher
from postroom.testing import eventually, running_standalone
from postroom.wire.errors import BrokerUnavailable, ConfigurationError
from postroom.wire.messages import Event, UserCreated
from postroom_audit.search import MessageQuery
from postroom_audit.service import service as audit_service
from postroom_audit.sql_history import SqlHistory
from postroom_scheduler.file import FileWatch
from postroom_scheduler.service import service as scheduler_service
from tests.support import crash_worker
from tests.support.crash_worker import COUNTING_FILE, QUEUE, Count, CountingFile
from tests.support.databases import service_database
from tests.support.patience import PROCESS_STARTS, TAKEN_OVER, WORK, seconds
from tests.support.processes import PROJECT


class Happened(Event):
    """Something to listen to."""

    kind: ClassVar[str] = "thing.happened"


heard: list[tuple[str, str]] = []
one, other = Worker("one"), Worker("other")


@one.listens(Happened)
async def one_hears(event: Happened) -> None:
    """Note it."""
    heard.append(("one", event.message_id))


@other.listens(Happened)
async def other_hears(event: Happened) -> None:
    """Note it."""
    heard.append(("other", event.message_id))


@asynccontextmanager
async def nothing(_runtime: Runtime) -> AsyncIterator[Adapters]:
    """No adapters."""
    yield {}


@pytest.fixture
def settings(tmp_path: Path) -> RuntimeSettings:
    return RuntimeSettings(data_dir=tmp_path / "data", health_port=0)


@pytest.fixture
def counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CountingFile:
    monkeypatch.setenv(COUNTING_FILE, str(tmp_path / "steps"))
    return CountingFile(tmp_path / "steps")


@dataclass
class Place:
    """Services at work without a broker, and a program that publishes."""

    broker: SqliteBroker

    def __post_init__(self) -> None:
        self.publisher = SqlitePublisher(self.broker, "a program")

    async def drained(self) -> None:
        """Wait until nothing waits nor is in work."""

        async def is_drained() -> bool:
            return await self.broker.count_ready() == 0

        await eventually(is_drained, within=WORK)


@pytest.fixture
async def place(settings: RuntimeSettings, counting: CountingFile) -> AsyncIterator[Place]:
    workers = [
        LoadedService(crash_worker.worker, crash_worker.adapters),
        LoadedService(one, nothing),
        LoadedService(other, nothing),
    ]
    async with running_standalone(workers, settings) as broker:
        yield Place(broker)


async def test_jobs_are_done_once(place: Place, counting: CountingFile) -> None:
    for number in range(50):
        await place.publisher.publish(Count(), message_id=f"m-{number}")
        await place.publisher.publish(Count(), message_id=f"m-{number}")
    await place.drained()
    assert counting.count("done") == {f"m-{number}": 1 for number in range(50)}


async def test_a_job_that_fails_for_now_is_tried_again_after_its_backoff(place: Place, counting: CountingFile) -> None:
    await place.publisher.publish(Count(failures=2), message_id="m")
    await place.drained()
    begun = [step.at for step in counting.steps("begun")]
    assert (len(begun), counting.count("done")) == (3, {"m": 1})
    assert begun[1] - begun[0] >= 0.9
    assert await place.broker.dead() == []


async def test_a_job_that_fails_for_good_is_dead_with_its_reason_and_can_be_replayed(place: Place) -> None:
    await place.publisher.publish(Count(is_hopeless=True), message_id="m")
    await place.drained()
    (letter,) = await place.broker.dead()
    assert (letter.queue, letter.message_id, letter.error_type, letter.error) == (
        QUEUE,
        "m",
        "PermanentFailure",
        "this one never works",
    )
    await place.broker.replay(letter.id)
    await place.drained()
    assert [each.message_id for each in await place.broker.dead()] == ["m"]


async def test_what_breaks_its_contract_is_dead_and_names_the_field(place: Place) -> None:
    await place.publisher.send(Outgoing(wire.JOBS, QUEUE, b'{"seconds": "soon"}', "m"))
    await place.drained()
    (letter,) = await place.broker.dead()
    assert letter.error_type == "InvalidMessage"
    assert "seconds: " in letter.error


async def test_a_job_that_nobody_does_waits_in_unrouted(place: Place) -> None:
    await place.publisher.publish(UserCreated(id=1, email="ada@example.com"))  # an event may have no listeners
    await place.publisher.send(Outgoing(wire.JOBS, "moon.land", b"{}", "m"))
    assert [(each.queue, each.error) for each in await place.broker.dead()] == [
        ("unrouted", "no queue takes moon.land; is its service deployed, or the kind misspelt?")
    ]


async def test_what_failed_is_in_the_history(settings: RuntimeSettings, counting: CountingFile) -> None:
    workers = [LoadedService(crash_worker.worker, crash_worker.adapters), load_service(audit_service)]
    async with running_standalone(workers, settings) as broker:
        place = Place(broker)
        await place.publisher.publish(Count(failures=1), message_id="m-17")
        database = service_database(settings.service_database_url("audit"), "audit")
        found = SqlHistory(database)
        await eventually(lambda: found.find(MessageQuery(state="done")))
        [story] = await found.timelines("m-17")
        await database.close()

    assert [line.what.partition(" in ")[0] for line in story.lines] == [
        "published by a program",
        "try 1 of 5 failed",
        "done at try 2 of 5",
    ]


async def test_a_delay_is_waited_for(place: Place, counting: CountingFile) -> None:
    began = time.time()
    await place.publisher.publish(Count(), message_id="m", options=PublishOptions(delay=timedelta(seconds=2)))
    await place.drained()
    (done,) = counting.steps("done")
    assert done.at - began >= 1.8
    assert len(counting.steps("begun")) == 1


async def test_what_has_expired_is_not_done(place: Place, counting: CountingFile) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    await place.publisher.publish(Count(), options=PublishOptions(expires_at=past))
    await place.drained()
    assert [each.error_type for each in await place.broker.dead()] == ["Expired"]
    assert counting.steps("done") == []


async def test_an_event_comes_to_each_listener(place: Place) -> None:
    heard.clear()
    await place.publisher.publish(Happened(), message_id="e")
    await place.drained()
    assert sorted(heard) == [("one", "e"), ("other", "e")]


async def test_many_jobs_of_any_length_are_each_done_once(place: Place, counting: CountingFile) -> None:
    jobs = {f"m-{number}": Count(seconds=number % 7 / 50, failures=number % 5 == 0) for number in range(300)}
    await asyncio.gather(*(place.publisher.publish(job, message_id=name) for name, job in jobs.items()))
    await place.drained()
    assert counting.count("done") == dict.fromkeys(jobs, 1)


async def test_a_stop_leaves_what_waits_for_the_next_start(settings: RuntimeSettings, counting: CountingFile) -> None:
    workers = [LoadedService(crash_worker.worker, crash_worker.adapters)]
    async with running_standalone(workers, settings) as broker:
        place = Place(broker)
        jobs = (place.publisher.publish(Count(seconds=2), message_id=f"m-{number}") for number in range(300))
        await asyncio.gather(*jobs)
        await eventually(lambda: bool(counting.steps("begun")))
    assert len(counting.steps("done")) < 300
    async with running_standalone(workers, settings) as broker:
        place = Place(broker)
        await place.drained()
        assert await place.broker.dead() == []
    assert counting.count("done") == {f"m-{number}": 1 for number in range(300)}


async def test_a_database_server_is_refused(settings: RuntimeSettings) -> None:
    given: dict[str, Any] = {"database_url": "postgresql+asyncpg://u:canary@h/d"}
    with pytest.raises(ConfigurationError, match="JOB_RUNNER=cron works on SQLite") as caught:
        async with open_standalone(settings.model_copy(update=given), []):
            pass
    assert "canary" not in str(caught.value)


@contextmanager
def in_a_process(settings: RuntimeSettings) -> Iterator["subprocess.Popen[bytes]"]:
    told = {"POSTROOM_DATA_DIR": str(settings.data_dir), "POSTROOM_HEALTH_PORT": "0"}
    environment = {**os.environ, **told}
    command = [sys.executable, "-m", "tests.support.standalone_worker"]
    with subprocess.Popen(command, cwd=PROJECT, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


async def test_a_kill_loses_nothing_and_repeats_nothing_that_was_done(
    settings: RuntimeSettings, counting: CountingFile
) -> None:
    async with open_broker(settings, crash_worker.worker.subscriptions.values()) as broker:
        publisher = SqlitePublisher(broker, "a program")
        await publisher.connect()
        for number in range(60):
            await publisher.publish(Count(seconds=0 if number < 30 else 8), message_id=f"m-{number}")
    with in_a_process(settings) as process:
        await eventually(lambda: len(counting.steps("done")) >= 30, within=PROCESS_STARTS)
        await eventually(lambda: len(counting.steps("begun")) > 30)
        process.kill()
    assert 30 <= len(counting.steps("done")) < 60
    with in_a_process(settings):
        await eventually(lambda: len(counting.steps("done")) == 60, within=TAKEN_OVER)
    assert counting.count("done") == {f"m-{number}": 1 for number in range(60)}


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
    workers = [LoadedService(crash_worker.worker, crash_worker.adapters), LoadedService(one, nothing)]
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
    async with open_standalone(settings, [LoadedService(one, nothing), LoadedService(other, nothing)]) as (runner, _):
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

    async with open_standalone(settings, [LoadedService(one, noting), LoadedService(other, wrong)]) as (runner, _):
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
    async with open_broker(settings, one.subscriptions.values()) as broker:
        place = Place(broker)
        await place.publisher.connect()
        numbers = []
        for _ in range(2):
            await place.publisher.publish(Happened())
            [delivery] = await broker.deliver("one.on.thing.happened", without=[], at_most=1)
            await broker.settle({delivery.tag: Verdict.DONE})
            numbers.append(delivery.tag)
    assert numbers[1] > numbers[0]


async def test_a_job_that_had_no_queue_is_routed_when_it_is_replayed(
    settings: RuntimeSettings, counting: CountingFile
) -> None:
    async with open_broker(settings, one.subscriptions.values()) as broker:
        await broker.open()
        await SqlitePublisher(broker, "a program").publish(Count(), message_id="m")
    async with running_standalone([LoadedService(crash_worker.worker, crash_worker.adapters)], settings) as broker:
        [letter] = await broker.dead()
        await broker.replay(letter.id)
        await Place(broker).drained()
        assert await broker.dead() == []
    assert counting.count("done") == {"m": 1}


async def test_a_part_of_the_scheduler_that_ends_by_itself_ends_the_process(
    settings: RuntimeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_watch: FileWatch) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(FileWatch, "watch", fail)
    async with open_standalone(settings, [load_service(scheduler_service)]) as (runner, _):
        async with asyncio.timeout(seconds(WORK)):
            assert await runner.serve() == EXIT_LOST_CONSUMERS
