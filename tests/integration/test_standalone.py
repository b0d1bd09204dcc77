"""One process without a broker keeps the promises that hold with one."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postroom import wire
from postroom.broker.publishing import Outgoing, PublishOptions
from postroom.runtime.assembly import LoadedService, load_service
from postroom.settings import RuntimeSettings
from postroom.standalone.broker import open_broker
from postroom.standalone.runner import open_standalone
from postroom.standalone.transport import SqlitePublisher
from postroom.testing import eventually, running_standalone
from postroom.wire.errors import ConfigurationError
from postroom.wire.messages import UserCreated
from postroom.worker import Worker
from postroom_audit.search import MessageQuery
from postroom_audit.service import service as audit_service
from postroom_audit.sql_history import SqlHistory
from tests.support import crash_worker
from tests.support.crash_worker import COUNTING_FILE, QUEUE, Count, CountingFile
from tests.support.databases import service_database
from tests.support.patience import PROCESS_STARTS, TAKEN_OVER
from tests.support.processes import PROJECT
from tests.support.standalone import Place
from tests.support.transports import Happened, nothing

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


@pytest.fixture
def settings(tmp_path: Path) -> RuntimeSettings:
    return RuntimeSettings(data_dir=tmp_path / "data", health_port=0)


@pytest.fixture
def counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CountingFile:
    monkeypatch.setenv(COUNTING_FILE, str(tmp_path / "steps"))
    return CountingFile(tmp_path / "steps")


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
