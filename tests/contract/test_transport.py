"""What every transport keeps, run against a real RabbitMQ and the file that stands in its place."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pytest
from sqlalchemy import insert, select

from postroom import wire
from postroom.broker.publishing import Outgoing, PublishOptions
from postroom.broker.topology import walk_key
from postroom.runtime import Adapters, Delivery, Keep, Worker
from postroom.runtime.assembly import LoadedService, Runtime
from postroom.runtime.history.recording import Recording
from postroom.runtime.inbox.tables import InboxRow
from postroom.runtime.process import EXIT_LOST_CONSUMERS
from postroom.runtime.rabbitmq import RabbitMqConsumers
from postroom.runtime.serving import ServiceRunner
from postroom.standalone.transport import SqliteConsumers
from postroom.storage.database import Database
from postroom.testing import eventually
from postroom.wire.errors import PermanentFailure, ProviderUnavailable, TemporaryFailure, Unroutable
from postroom.wire.messages import CircuitClosed, CircuitOpened, Event, Job, JobMeasured, JobRecorded
from postroom.wire.retries import RetryPolicy, fixed
from tests.support.patience import REACTION, WORK, patience
from tests.support.transports import KeepingReader, OpenPlace, Place, rabbitmq_place, reading, sqlite_place

QUEUE = "chores.do"
QUICKLY = RetryPolicy(attempts=3, backoff=fixed(timedelta(seconds=1)))


class Do(Job):
    """Something to do."""

    kind: ClassVar[str] = QUEUE
    n: int = 0


class Happened(Event):
    """Something to listen to."""

    kind: ClassVar[str] = "thing.happened"


async def ignore(_message: Any) -> None:
    """Only its queue is wanted."""


def doing(do: Any = ignore, **options: Any) -> Worker:
    """The service `chores` with one kind of job."""
    worker = Worker("chores")
    worker.handles(Do, **options)(do)
    return worker


def listening(service: str, *events: type[Event]) -> Worker:
    """A service that listens to these events."""
    worker = Worker(service)
    for event in events:
        worker.listens(event)(ignore)
    return worker


def alerting() -> Worker:
    """Whoever is told of dead letters."""
    worker = Worker("alerting")
    worker.consumes(wire.ALERTING_QUEUE)(ignore)
    return worker


@asynccontextmanager
async def nothing(_runtime: Runtime) -> AsyncIterator[Adapters]:
    """No adapters."""
    yield {}


@pytest.fixture(params=["rabbitmq", "file"])
def open_place(request: pytest.FixtureRequest, tmp_path: Path) -> OpenPlace:
    """Each transport's far side in turn."""
    if request.param == "rabbitmq":
        return partial(rabbitmq_place, request.getfixturevalue("vhost"), tmp_path)
    return partial(sqlite_place, tmp_path)


@asynccontextmanager
async def serving(place: Place, worker: Worker) -> AsyncIterator[ServiceRunner]:
    """A service with this worker, ready; stopped cleanly at the end."""
    async with place.runner(LoadedService(worker, nothing)) as runner:
        task = asyncio.create_task(runner.serve())
        try:
            await eventually(lambda: not runner.problems())
            yield runner
        finally:
            runner.stop()
            assert await task == 0


async def put(place: Place, *ids: str) -> None:
    """Publish a job of each id, in this order."""
    for message_id in ids:
        await place.publisher.publish(Do(), message_id=message_id)


async def is_dead(place: Place, queue: str = QUEUE) -> tuple[str, str]:
    """The one dead letter of a queue, once it is there."""

    async def look() -> list[tuple[str, str]]:
        return await place.dead(queue)

    [letter] = await eventually(look)
    return letter


async def test_a_message_is_delivered_as_it_was_published(open_place: OpenPlace) -> None:
    reader = KeepingReader(QUEUE)
    async with open_place(doing()) as place, reading(place, reader):
        options = PublishOptions(correlation_id="order 17", headers={"x-tenant": "acme", "n": 17})
        await place.publisher.publish(Do(n=3), message_id="m", options=options)
        await reader.has(1)

    [delivery] = reader.taken
    assert (delivery.queue, delivery.exchange, delivery.routing_key) == (QUEUE, wire.JOBS, QUEUE)
    assert (delivery.message_id, delivery.correlation_id, delivery.app_id) == ("m", "order 17", "postroom")
    assert (orjson.loads(delivery.body), delivery.content_type) == ({"n": 3}, wire.JSON)
    assert {name: delivery.headers[name] for name in ("x-tenant", "n")} == {"x-tenant": "acme", "n": 17}
    assert delivery.timestamp is not None
    assert abs(delivery.timestamp.timestamp() - time.time()) < patience(REACTION).total_seconds()
    assert not delivery.redelivered


async def test_what_is_acknowledged_is_not_delivered_again(open_place: OpenPlace) -> None:
    async with open_place(doing()) as place:
        reader = KeepingReader(QUEUE)
        async with reading(place, reader):
            await put(place, "a", "b", "c")
            await reader.has(3)
            reader.done(2, 0)
            await reader.acks[0].flush()
        again = KeepingReader(QUEUE)
        async with reading(place, again):
            await again.has(1)
            await put(place, "later")
            await again.has(2)

    assert again.ids == ["b", "later"]


async def test_what_was_not_acknowledged_when_its_process_died_comes_again_and_says_so(open_place: OpenPlace) -> None:
    async with open_place(doing()) as place:
        reader, again = KeepingReader(QUEUE), KeepingReader(QUEUE)
        async with reading(place, reader):
            await put(place, "a", "b")
            await reader.has(2)
        async with reading(place, again):
            await again.has(2)

    assert sorted(map(str, again.ids)) == ["a", "b"]
    assert [delivery.redelivered for delivery in reader.taken] == [False, False]
    assert [delivery.redelivered for delivery in again.taken] == [True, True]


async def test_whoever_waits_for_the_end_of_deliveries_is_told_when_they_are_taken_back(open_place: OpenPlace) -> None:
    reader = KeepingReader(QUEUE)
    async with open_place(doing()) as place:
        async with reading(place, reader):
            await put(place, "a")
            await reader.has(1)
            [acks] = reader.acks
            gone = acks.gone()
            assert not acks.is_gone
        async with asyncio.timeout(patience(REACTION).total_seconds()):
            await asyncio.wait([gone])
        assert acks.is_gone
        assert not await acks.until_gone(asyncio.Event().wait())  # type: ignore[arg-type]


async def test_no_more_than_the_prefetch_is_in_work_and_an_acknowledgement_makes_room(open_place: OpenPlace) -> None:
    ids = [f"m-{number}" for number in range(10)]
    reader, other = KeepingReader(QUEUE, prefetch=3), KeepingReader("moved.on.thing.happened")
    async with open_place(doing(), listening("moved", Happened)) as place, reading(place, reader, other):
        await put(place, *ids)
        await reader.has(3)
        await place.publisher.publish(Happened())
        await other.has(1)  # it has looked again since
        assert reader.ids == ids[:3]
        for number in range(10):
            await reader.has(number + 1)
            assert len(reader.taken) <= number + 3
            reader.done(number)

    assert reader.ids == ids


async def test_what_is_given_back_comes_again(open_place: OpenPlace) -> None:
    reader = KeepingReader(QUEUE)
    async with open_place(doing()) as place, reading(place, reader):
        await put(place, "a")
        await reader.has(1)
        await reader.acks[0].give_back(reader.taken[0].tag)
        await reader.has(2)

    assert reader.ids == ["a", "a"]


async def test_what_is_rejected_is_dead_in_its_own_queue_and_alerting_is_told(open_place: OpenPlace) -> None:
    reader, told = KeepingReader(QUEUE), KeepingReader(wire.ALERTING_QUEUE)
    async with open_place(doing(), alerting()) as place, reading(place, reader, told):
        await put(place, "a")
        await reader.has(1)
        await reader.acks[0].reject(reader.taken[0].tag)
        assert await is_dead(place) == ("a", "Rejected")
        await told.has(1)

    assert told.ids == ["a"]
    assert (told.taken[0].exchange, told.taken[0].routing_key) == (wire.DEAD_LETTERS, QUEUE)


async def test_alerting_is_not_told_of_its_own_dead_letters(open_place: OpenPlace) -> None:
    told = KeepingReader(wire.ALERTING_QUEUE)
    async with open_place(alerting()) as place, reading(place, told):
        await place.publisher.send(Outgoing(wire.DEAD_LETTERS, "elsewhere", b"{}", "a", mandatory=False))
        await told.has(1)
        await told.acks[0].reject(told.taken[0].tag)
        assert await is_dead(place, wire.ALERTING_QUEUE) == ("a", "Rejected")
        await place.publisher.send(Outgoing(wire.DEAD_LETTERS, "elsewhere", b"{}", "b", mandatory=False))
        await told.has(2)

    assert told.ids == ["a", "b"]


async def test_what_is_returned_too_often_is_dead(open_place: OpenPlace) -> None:
    reader = KeepingReader(QUEUE)
    returned = 0
    async with open_place(doing()) as place, reading(place, reader):

        async def return_it() -> list[tuple[str, str]]:
            nonlocal returned
            for number in range(returned, len(reader.taken)):
                returned += 1
                await reader.acks[number].reject(reader.taken[number].tag, requeue=True)
            return await place.dead(QUEUE)

        await put(place, "a")
        assert await eventually(return_it, within=WORK) == [("a", "DeliveryLimit")]

    assert wire.DELIVERY_LIMIT <= returned <= wire.DELIVERY_LIMIT + 1  # RabbitMQ counts what it delivers again


async def test_an_acknowledgement_never_takes_along_what_is_not_done(open_place: OpenPlace) -> None:
    async with open_place(doing()) as place:
        reader, again = KeepingReader(QUEUE), KeepingReader(QUEUE)
        async with reading(place, reader):
            await put(place, "rejected", "given back", "done", "unfinished", "done too")
            await reader.has(5)
            acks, tags = reader.acks[0], [delivery.tag for delivery in reader.taken]
            reader.done(2, 4)
            await asyncio.gather(acks.reject(tags[0]), acks.give_back(tags[1]), acks.flush())
            assert await is_dead(place) == ("rejected", "Rejected")
        async with reading(place, again):
            await again.has(2)
            await put(place, "later")
            await again.has(3)

    assert sorted(map(str, again.ids)) == ["given back", "later", "unfinished"]


async def test_what_waits_comes_when_its_time_has_come_and_others_before_it(open_place: OpenPlace) -> None:
    reader = KeepingReader(QUEUE)
    async with open_place(doing()) as place, reading(place, reader):
        began = time.monotonic()
        delayed = walk_key(timedelta(seconds=2), QUEUE)
        await place.publisher.send(Outgoing(wire.DELAY, delayed, b"{}", "delayed"))
        await put(place, "at once")
        await reader.has(2)

    assert reader.ids == ["at once", "delayed"]
    assert time.monotonic() - began >= 1.9


async def test_a_dead_letter_is_in_the_queue_it_died_in_and_alerting_is_told(open_place: OpenPlace) -> None:
    told = KeepingReader(wire.ALERTING_QUEUE)
    headers = {wire.X_ERROR_TYPE: "RecipientRefused", wire.X_ERROR: "550 no such user"}
    async with open_place(doing(), alerting()) as place, reading(place, told):
        await place.publisher.send(Outgoing(wire.DEAD_LETTERS, QUEUE, b"{}", "a", headers))
        assert await is_dead(place) == ("a", "RecipientRefused")
        await told.has(1)

    assert told.taken[0].routing_key == QUEUE


async def test_a_job_that_nobody_does_waits_in_unrouted_and_alerting_is_told(open_place: OpenPlace) -> None:
    told = KeepingReader(wire.ALERTING_QUEUE)
    async with open_place(alerting()) as place, reading(place, told):
        await place.publisher.send(Outgoing(wire.JOBS, "moon.land", b"{}", "a"))
        assert await is_dead(place, wire.UNROUTED_QUEUE) == ("a", "Unrouted")
        await told.has(1)

    assert (told.taken[0].exchange, told.taken[0].routing_key) == (wire.JOBS, "moon.land")


async def test_an_event_comes_to_each_listener_once_and_may_have_none(open_place: OpenPlace) -> None:
    one, other = KeepingReader("one.on.thing.happened"), KeepingReader("other.on.thing.happened")
    every = Worker("every")
    every.overhears()(ignore)
    all_of_them = KeepingReader("every.on.all")
    workers = (listening("one", Happened), listening("other", Happened), every)
    async with open_place(*workers) as place, reading(place, one, other, all_of_them):
        await place.publisher.publish(Happened(), message_id="e")
        await place.publisher.send(Outgoing(wire.EVENTS, "nobody.listens", b"{}", "f", mandatory=False))
        await one.has(1)
        await other.has(1)
        await all_of_them.has(2)

    assert (one.ids, other.ids, all_of_them.ids) == (["e"], ["e"], ["e", "f"])


async def test_a_message_can_be_put_into_a_queue_by_its_name(open_place: OpenPlace) -> None:
    reader = KeepingReader(QUEUE)
    async with open_place(doing()) as place, reading(place, reader):
        await place.publisher.send(Outgoing("", QUEUE, b"{}", "a"))
        await reader.has(1)

    assert (reader.taken[0].exchange, reader.taken[0].routing_key) == ("", QUEUE)


@pytest.mark.parametrize("exchange", ["", "nowhere"])
async def test_what_has_no_place_is_handed_back_to_its_publisher(open_place: OpenPlace, exchange: str) -> None:
    async with open_place(doing()) as place:
        with pytest.raises(Unroutable):
            await place.publisher.send(Outgoing(exchange, "no.such.queue", b"{}", "a"))


async def test_what_is_done_at_a_stop_is_acknowledged_and_nothing_more_is_taken(open_place: OpenPlace) -> None:
    reader = KeepingReader(QUEUE)
    async with open_place(doing()) as place:
        transport = place.transport("chores")
        await transport.connect()
        consumers = await transport.consume([reader])
        watching = asyncio.create_task(consumers.watch())
        await put(place, "a", "b")
        await reader.has(2)
        watching.cancel()
        await consumers.cancel()
        await put(place, "later")
        reader.done(0, 1)
        await consumers.flush()
        await consumers.close()
        await transport.close()

        async def is_left() -> bool:
            return await place.left(QUEUE) == 1

        await eventually(is_left)
    assert reader.ids == ["a", "b"]


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
    async def fail(_self: Recording) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Recording, "keep_telling", fail)
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
