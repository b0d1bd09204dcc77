"""What every transport keeps, run against a real RabbitMQ and the file that stands in its place."""

import asyncio
import time
from datetime import timedelta

import orjson
import pytest

from postroom import wire
from postroom.broker.publishing import Outgoing, PublishOptions
from postroom.broker.topology import walk_key
from postroom.testing import eventually
from postroom.wire.errors import Unroutable
from postroom.worker import Worker
from tests.support.patience import REACTION, WORK, patience
from tests.support.transports import (
    QUEUE,
    Do,
    Happened,
    KeepingReader,
    OpenPlace,
    alerting,
    doing,
    ignore,
    is_dead,
    listening,
    put,
    reading,
)


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
        await reader.acks[0].requeue(reader.taken[0].tag)
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
            await asyncio.gather(acks.reject(tags[0]), acks.requeue(tags[1]), acks.flush())
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
