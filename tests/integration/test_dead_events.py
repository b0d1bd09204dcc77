"""Replays are published as events before messages are moved."""

import asyncio
from typing import Any

import aio_pika
import pytest

from postroom import wire
from postroom.operator.dead_letters import (
    IDS_PER_EVENT,
    ReplayRate,
    RunControl,
    RunOutcome,
    Selection,
    replay,
    target_of,
)
from postroom.wire.errors import TopologyError
from tests.support.dead_letters import (
    DEAD,
    QUORUM,
    WORK,
    DeadLetterHarness,
    receive_replay_events,
    replay_events,
)


@pytest.fixture
async def dead_harness(dead_harness: DeadLetterHarness) -> DeadLetterHarness:
    return await receive_replay_events(dead_harness)


async def replay_all(url: str, **options: Any) -> Any:
    return await replay(url, target_of(DEAD), Selection(), **{"rate": ReplayRate(), "control": RunControl()} | options)


async def test_every_replayed_message_is_told_of_once_some_at_a_time(
    vhost: Any, dead_harness: DeadLetterHarness
) -> None:
    ids = [f"m-{number}" for number in range(2 * IDS_PER_EVENT + 7)]
    await dead_harness.bury(*ids)

    outcome = await replay_all(vhost.amqp_url)

    events = await replay_events(dead_harness)
    assert outcome.settled == len(ids)
    assert [len(event.message_ids) for event in events] == [IDS_PER_EVENT, IDS_PER_EVENT, 7]
    assert sorted(one for event in events for one in event.message_ids) == sorted(ids)
    assert {event.queue for event in events} == {WORK}
    assert {one: count for event in events for one, count in event.replays.items()} == dict.fromkeys(ids, 1)
    assert all("@" in event.by and event.was is None for event in events)


async def test_what_waits_for_the_rate_is_not_told_of_yet(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    await dead_harness.bury(*(f"m-{number}" for number in range(30)))
    stop = asyncio.Event()

    def stop_at_the_first(outcome: RunOutcome) -> None:
        if outcome.settled:
            stop.set()

    # At one a second the others would take half a minute.
    outcome = await replay_all(vhost.amqp_url, rate=ReplayRate(1), control=RunControl(stop, stop_at_the_first))

    assert 1 <= outcome.settled < 30
    assert sum(len(event.message_ids) for event in await replay_events(dead_harness)) == outcome.settled


async def test_without_a_place_for_the_event_nothing_is_moved(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    await dead_harness.bury("m-1")
    await dead_harness.channel.exchange_delete(wire.EVENTS)

    with pytest.raises(TopologyError, match="no exchange events"):
        await replay_all(vhost.amqp_url)

    await dead_harness.has(DEAD, 1)


async def test_an_event_that_is_not_confirmed_moves_nothing(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    await dead_harness.bury("m-1")
    # A queue that is full refuses the event, and the broker with it.
    full = await dead_harness.channel.declare_queue(
        "full", durable=True, arguments=QUORUM | {"x-max-length": 1, "x-overflow": "reject-publish"}
    )
    await full.bind(wire.EVENTS, "#")
    events = await dead_harness.channel.get_exchange(wire.EVENTS)
    for _ in range(20):
        try:
            await events.publish(aio_pika.Message(b"{}", delivery_mode=2), "x.happened")
        except aio_pika.exceptions.DeliveryError:
            break

    outcome = await replay_all(vhost.amqp_url)

    assert (outcome.settled, bool(outcome.problem)) == (0, True)
    await dead_harness.has(DEAD, 1)
    await dead_harness.has(WORK, 0)


async def test_a_dry_run_is_not_told_of(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    await dead_harness.bury("m-1")

    await replay_all(vhost.amqp_url, dry_run=True)

    assert await replay_events(dead_harness) == []


async def test_a_replay_of_alerting_and_of_unrouted_is_told_of_too(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    for queue in ("alerting", "alerting.dead"):
        await dead_harness.channel.declare_queue(queue, durable=True, arguments=QUORUM)
    await dead_harness.bury("m-1", queue="alerting.dead")

    await replay(vhost.amqp_url, target_of("alerting.dead"), Selection(), rate=ReplayRate(), control=RunControl())

    assert [(event.queue, event.message_ids) for event in await replay_events(dead_harness)] == [("alerting", ["m-1"])]
