"""Replaying and discarding dead letters on a real broker: never in none, never in two, also when killed."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from postroom import wire
from postroom.operator.dead_letters import (
    ReplayRate,
    RunControl,
    Selection,
    cause_of,
    replay,
    target_of,
)
from postroom.operator.dead_letters.selection import EVERY
from postroom.testing import eventually
from tests.support.dead_letters import DEAD, QUORUM, WORK, DeadLetterHarness, names, replay_all
from tests.support.patience import WORK as MUCH_WORK
from tests.support.patience import seconds


async def test_a_replayed_message_is_the_same_and_tells_that_it_was_dead(
    vhost: Any, dead_harness: DeadLetterHarness
) -> None:
    failed_at = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    await dead_harness.bury(
        "m-1",
        body=b"\xff not even JSON",
        content_type="text/x-odd",
        content_encoding="x",
        correlation_id="c-1",
        reply_to="somewhere",
        priority=3,
        type="t",
        app_id="shop",
        timestamp=failed_at,
        headers={wire.X_FAILED_AT: failed_at.isoformat(), wire.X_REPLAYS: 4, "tenant": "a", "nested": {"n": [1, "x"]}},
    )

    outcome = await replay_all(vhost)

    [message] = await dead_harness.drain(WORK)
    assert outcome.settled == 1
    await dead_harness.has(DEAD, 0)
    assert (message.body, message.message_id, message.delivery_mode) == (b"\xff not even JSON", "m-1", 2)
    assert (message.content_type, message.content_encoding, message.correlation_id) == ("text/x-odd", "x", "c-1")
    assert (message.reply_to, message.priority, message.type, message.app_id) == ("somewhere", 3, "t", "shop")
    assert message.timestamp == failed_at
    assert message.headers["x-failed-at"] == failed_at.isoformat()
    assert message.headers["x-replays"] == 4  # the worker raises it
    assert (message.headers["tenant"], message.headers["nested"]) == ("a", {"n": [1, "x"]})


async def test_all_are_replayed_once(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    await dead_harness.bury(*names(700))

    outcome = await replay_all(vhost)

    assert (outcome.waiting, outcome.settled, outcome.problem) == (700, 700, "")
    assert Counter(await dead_harness.ids(WORK)) == Counter(names(700))
    await dead_harness.has(DEAD, 0)


async def test_two_messages_with_the_same_id_are_both_replayed(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    await dead_harness.bury(*["twin"] * 20)

    assert (await replay_all(vhost)).settled == 20

    assert await dead_harness.ids(WORK) == ["twin"] * 20


async def test_only_the_given_ids_are_replayed(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    await dead_harness.bury(*names(50))

    outcome = await replay_all(vhost, Selection(frozenset({"m-7", "m-41", "absent"})))

    assert (outcome.settled, outcome.not_selected) == (2, 48)
    assert sorted(await dead_harness.ids(WORK)) == ["m-41", "m-7"]
    assert sorted(await dead_harness.ids(DEAD)) == sorted(set(names(50)) - {"m-7", "m-41"})


async def test_a_cause_is_replayed_although_many_others_lie_in_front_of_it(
    vhost: Any, dead_harness: DeadLetterHarness
) -> None:
    await dead_harness.bury(*names(650, "other"), error="452 mailbox full")
    await dead_harness.bury(*names(30), error="550 no such user 17")
    group = cause_of(WORK, "RecipientRefused", "x@y.z: 550 no such user 4").key

    outcome = await replay_all(vhost, Selection(group=group))

    assert (outcome.examined, outcome.settled) == (680, 30)
    assert sorted(await dead_harness.ids(WORK)) == sorted(names(30))
    await dead_harness.has(DEAD, 650)


async def test_a_dry_run_counts_and_changes_nothing(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    await dead_harness.bury(*names(20))

    outcome = await replay_all(vhost, dry_run=True)

    assert outcome.settled == 20
    await dead_harness.has(WORK, 0)
    await dead_harness.has(DEAD, 20)


async def test_messages_that_die_again_meanwhile_do_not_keep_it_busy(
    vhost: Any, dead_harness: DeadLetterHarness
) -> None:
    died: Counter[str] = Counter()

    async def die_at_once(message: AbstractIncomingMessage) -> None:
        died[message.message_id or ""] += 1
        await dead_harness.bury(message.message_id or "", headers={wire.X_FAILED_AT: datetime.now(UTC).isoformat()})
        await message.ack()

    await dead_harness.bury(*names(300))
    await (await dead_harness.channel.get_queue(WORK)).consume(die_at_once)

    outcome = await asyncio.wait_for(replay_all(vhost), seconds(MUCH_WORK))

    await dead_harness.has(DEAD, 300)
    assert outcome.examined == 300
    assert outcome.settled == 300
    assert set(died.values()) == {1}


async def test_what_the_broker_itself_buried_is_replayed_five_times_over(
    vhost: Any, dead_harness: DeadLetterHarness
) -> None:
    await dead_harness.channel.default_exchange.publish(
        aio_pika.Message(b"{}", message_id="m-1", delivery_mode=2), WORK
    )
    work = await dead_harness.channel.get_queue(WORK)

    for _round in range(5):
        message = await eventually(lambda: work.get(fail=False))
        assert not [name for name in message.headers if name.startswith(("x-death", "x-first-death", "x-last-death"))]
        await message.reject(requeue=False)
        await dead_harness.has(DEAD, 1)
        assert (await replay_all(vhost)).settled == 1

    last = await eventually(lambda: work.get(fail=False))
    assert last.message_id == "m-1"
    assert wire.X_FAILED_AT in last.headers  # so that the worker gives it fresh attempts


async def test_a_message_is_not_sent_to_further_queues_by_its_own_headers(
    vhost: Any, dead_harness: DeadLetterHarness
) -> None:
    await dead_harness.channel.declare_queue("elsewhere", durable=True, arguments=QUORUM)
    await dead_harness.bury("m-1", headers={"CC": ["elsewhere"], "BCC": ["elsewhere"]})
    await dead_harness.drain("elsewhere")

    await replay_all(vhost)

    await dead_harness.has(WORK, 1)
    await dead_harness.has("elsewhere", 0)


async def test_a_message_of_another_user_is_replayed(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    # The broker lets nobody publish in another user's name; that the property is left out is what there is to see.
    await dead_harness.bury("m-1", user_id=vhost.user)

    assert (await replay_all(vhost)).settled == 1

    assert (await dead_harness.drain(WORK))[0].user_id is None


async def test_the_rate_is_kept(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    await dead_harness.bury(*names(20))
    loop = asyncio.get_running_loop()
    began = loop.time()

    await replay_all(vhost, rate=ReplayRate(20))

    assert loop.time() - began >= 0.9


async def test_jobs_that_no_queue_took_are_replayed_once_a_queue_takes_them(
    vhost: Any, dead_harness: DeadLetterHarness
) -> None:
    unrouted = await dead_harness.channel.declare_exchange("unrouted", "fanout", durable=True)
    jobs = await dead_harness.channel.declare_exchange(
        "jobs", "topic", durable=True, arguments={"alternate-exchange": "unrouted"}
    )
    waiting = await dead_harness.channel.declare_queue("unrouted", durable=True, arguments=QUORUM)
    await waiting.bind(unrouted)
    for kind in ("sms.send", "report.generate", "sms.send"):
        await jobs.publish(aio_pika.Message(b"{}", message_id=kind, delivery_mode=2), kind)
    sms = await dead_harness.channel.declare_queue("sms.send", durable=True, arguments=QUORUM)
    await sms.bind(jobs, "sms.send")

    outcome = await replay(vhost.amqp_url, target_of("unrouted"), EVERY, rate=ReplayRate(), control=RunControl())

    assert outcome.settled == 2
    assert outcome.refused == {"no queue takes report.generate": 1}
    assert [(message.routing_key, message.exchange) for message in await dead_harness.drain("sms.send")] == [
        ("sms.send", "jobs")
    ] * 2
    assert await dead_harness.ids("unrouted") == ["report.generate"]
