"""What services keep on every transport: the same assembly on a real RabbitMQ and on the file."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from postroom.runtime.assembly import LoadedService
from postroom.runtime.history.outbox import HistoryOutbox
from postroom.runtime.inbox.tables import InboxRow
from postroom.runtime.process import EXIT_LOST_CONSUMERS
from postroom.runtime.rabbitmq import RabbitMqConsumers
from postroom.standalone.transport import SqliteConsumers
from postroom.storage.database import Database
from postroom.testing import eventually
from postroom.wire.errors import PermanentFailure, ProviderUnavailable, TemporaryFailure
from postroom.wire.messages import CircuitClosed, CircuitOpened, JobMeasured, JobRecorded
from postroom.wire.retries import RetryPolicy, fixed
from postroom.worker import Delivery, Keep
from tests.support.patience import WORK, patience
from tests.support.transports import (
    QUEUE,
    Do,
    KeepingReader,
    OpenPlace,
    doing,
    is_dead,
    listening,
    nothing,
    put,
    reading,
    serving,
)

QUICKLY = RetryPolicy(attempts=3, backoff=fixed(timedelta(seconds=1)))


async def test_a_job_that_fails_for_now_is_tried_again_after_its_backoff(open_place: OpenPlace) -> None:
    tries: list[tuple[str, float]] = []

    async def do(_job: Do, delivery: Delivery) -> None:
        tries.append((delivery.ensure_id(), time.monotonic()))
        if delivery.attempt < 3:
            raise TemporaryFailure("not yet")

    async with open_place(doing(do, retry=QUICKLY)) as place:
        async with serving(place, doing(do, retry=QUICKLY)):
            await put(place, "a")
            await eventually(lambda: len(tries) == 3)
        assert await place.dead(QUEUE) == []
        assert await place.left(QUEUE) == 0

    assert [name for name, _at in tries] == ["a", "a", "a"]
    assert min(tries[1][1] - tries[0][1], tries[2][1] - tries[1][1]) >= 0.9


async def test_a_job_that_was_done_is_not_done_again(open_place: OpenPlace) -> None:
    done: list[str] = []

    async def do(_job: Do, delivery: Delivery) -> None:
        done.append(delivery.ensure_id())

    async with open_place(doing(do)) as place:
        async with serving(place, doing(do)):
            await put(place, "a", "a", "b")
            await eventually(lambda: len(done) >= 2)
        async with serving(place, doing(do)):
            await put(place, "a", "c")
            await eventually(lambda: len(done) >= 3)
        assert await place.left(QUEUE) == 0

    assert done == ["a", "b", "c"]


async def test_a_job_that_fails_for_good_is_a_dead_letter_with_its_reason(open_place: OpenPlace) -> None:
    async def do(_job: Do) -> None:
        raise PermanentFailure("it never works")

    async with open_place(doing(do)) as place, serving(place, doing(do)):
        await put(place, "a")
        assert await is_dead(place) == ("a", "PermanentFailure")


async def test_a_stop_finishes_what_is_in_work_and_leaves_what_waits(open_place: OpenPlace) -> None:
    begun, ended, may_end = [], [], asyncio.Event()

    async def do(_job: Do, delivery: Delivery) -> None:
        begun.append(delivery.message_id)
        await may_end.wait()
        ended.append(delivery.message_id)

    worker = doing(do, prefetch=2)
    async with open_place(worker) as place:
        async with serving(place, worker) as runner:
            await put(place, "a", "b", "c")
            await eventually(lambda: len(begun) == 2)
            runner.stop()
            await eventually(lambda: runner.problems().get("stop"))
            may_end.set()
        assert (begun, sorted(ended)) == (["a", "b"], ["a", "b"])
        again = KeepingReader(QUEUE)
        async with reading(place, again):
            await again.has(1)
            await put(place, "later")
            await again.has(2)
    assert again.ids == ["c", "later"]


async def test_finished_work_of_long_ago_is_forgotten(open_place: OpenPlace) -> None:
    worker = doing()
    async with open_place(worker) as place:
        database = Database(place.settings.service_database_url("chores"), "chores")
        await database.migrate()
        old = {"queue": QUEUE, "identity": "a", "state": "done", "holder": "gone", "starts": 1}
        row = {**old, "finished_at": datetime.now(UTC) - timedelta(days=30)}
        await database.run(lambda connection: connection.execute(insert(InboxRow), row))

        async def is_forgotten() -> bool:
            rows = await database.run(lambda connection: connection.execute(select(InboxRow.identity)).all())
            return not rows

        async with serving(place, worker):
            await eventually(is_forgotten)
        await database.close()


async def test_what_was_done_is_measured_and_recorded_for_whoever_listens(open_place: OpenPlace) -> None:
    done = asyncio.Event()

    async def do(_job: Do) -> None:
        done.set()

    worker, listener = doing(do, history=Keep.ALWAYS), listening("audience", JobMeasured, JobRecorded)
    measured, recorded = KeepingReader("audience.on.job.measured"), KeepingReader("audience.on.job.recorded")
    async with open_place(worker, listener) as place:
        async with serving(place, worker):
            await put(place, "a")
            await done.wait()
        async with reading(place, measured, recorded):
            await measured.has(1)
            await recorded.has(1)

    told = JobMeasured.model_validate_json(measured.taken[0].body)
    assert (told.service, told.queue, sum(each.count for each in told.outcomes)) == ("chores", QUEUE, 1)
    [record] = JobRecorded.model_validate_json(recorded.taken[0].body).tries
    assert (record.message_id, record.outcome) == ("a", "done")
    assert measured.taken[0].app_id == recorded.taken[0].app_id == "chores"


async def test_whoever_listens_is_told_when_a_provider_goes_away_and_comes_back(open_place: OpenPlace) -> None:
    is_away = True

    async def do(_job: Do) -> None:
        if is_away:
            raise ProviderUnavailable("connection refused")

    worker, listener = doing(do), listening("audience", CircuitOpened, CircuitClosed)
    opened, closed = KeepingReader("audience.on.circuit.opened"), KeepingReader("audience.on.circuit.closed")
    async with (
        open_place(worker, listener) as place,
        serving(place, worker) as runner,
        reading(place, opened, closed, service="audience"),
    ):
        await put(place, "a")
        await opened.has(1)
        assert runner.details()["outage"]["reason"] == "connection refused"
        is_away = False
        await closed.has(1)

    assert CircuitOpened.model_validate_json(opened.taken[0].body).service == "chores"
    assert CircuitClosed.model_validate_json(closed.taken[0].body).service == "chores"


async def test_a_part_that_ends_by_itself_ends_the_process_so_that_it_is_started_again(
    open_place: OpenPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_self: HistoryOutbox) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(HistoryOutbox, "keep_publishing", fail)
    worker = doing()
    async with open_place(worker) as place, place.runner(LoadedService(worker, nothing)) as runner:
        async with asyncio.timeout(patience(WORK).total_seconds()):
            assert await runner.serve() == EXIT_LOST_CONSUMERS


async def test_consumers_that_are_lost_for_good_end_the_process(
    open_place: OpenPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(_self: object) -> None:
        return

    for consumers in (RabbitMqConsumers, SqliteConsumers):
        monkeypatch.setattr(consumers, "watch", lose)
    worker = doing()
    async with open_place(worker) as place, place.runner(LoadedService(worker, nothing)) as runner:
        async with asyncio.timeout(patience(WORK).total_seconds()):
            assert await runner.serve() == EXIT_LOST_CONSUMERS
