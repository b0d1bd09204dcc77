"""Replaying and discarding dead letters on a real broker: never in none, never in two, also when killed."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from textwrap import dedent
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage

from postroom import wire
from postroom.operator.dead_letters import (
    WINDOW,
    ReplayRate,
    RunControl,
    RunOutcome,
    Selection,
    cause_of,
    connect,
    discard,
    read_letters,
    replay,
    summarize,
    target_of,
)
from postroom.testing import eventually
from postroom.wire.errors import BrokerUnavailable, TopologyError
from tests.support.broker_files import are_written_down
from tests.support.dead_letters import DEAD, QUORUM, WORK, DeadLetterHarness, dead_harness_on, names, replay_all
from tests.support.patience import PROCESS_ENDS, PROCESS_STARTS, seconds
from tests.support.patience import WORK as MUCH_WORK

TARGET = target_of(DEAD)
ALL = Selection()


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


async def test_without_the_work_queue_nothing_is_touched(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    await dead_harness.bury(*names(5))
    await dead_harness.channel.queue_delete(WORK)

    with pytest.raises(TopologyError, match=r"no queue email\.send;"):
        await replay_all(vhost)

    await dead_harness.has(DEAD, 5)


async def test_a_work_queue_that_goes_away_half_way_costs_nothing(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    await dead_harness.bury(*names(60))
    deletion: list[asyncio.Task[Any]] = []

    def delete_after_two(outcome: RunOutcome) -> None:
        if outcome.settled == 2 and not deletion:
            deletion.append(asyncio.create_task(dead_harness.channel.queue_delete(WORK)))

    # At one a second the broker has a minute to delete it half-way.
    outcome = await replay_all(vhost, rate=ReplayRate(1), control=RunControl(progressed=delete_after_two))
    await asyncio.gather(*deletion)

    # When a queue goes away under a publish, RabbitMQ returns it; or refuses it; or, 3.10, ends the connection.
    answers = ("email.send went away", "the broker refused to store a message", "ConnectionInternalError")
    assert any(answer in outcome.problem for answer in answers), outcome.problem
    assert outcome.settled < 60
    await dead_harness.has(DEAD, 60 - outcome.settled)


async def test_the_rate_is_kept(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    await dead_harness.bury(*names(20))
    loop = asyncio.get_running_loop()
    began = loop.time()

    await replay_all(vhost, rate=ReplayRate(20))

    assert loop.time() - began >= 0.9


async def test_asked_to_stop_it_stops_between_two_messages(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    await dead_harness.bury(*names(50))
    stop = asyncio.Event()

    def stop_after_two(outcome: RunOutcome) -> None:
        if outcome.settled == 2:
            stop.set()

    # At one a second the others would take most of a minute.
    outcome = await replay_all(vhost, rate=ReplayRate(1), control=RunControl(stop, stop_after_two))

    assert outcome.is_stopped
    assert 2 <= outcome.settled < 50
    moved = await dead_harness.ids(WORK)
    left = await dead_harness.ids(DEAD)
    assert len(moved) == outcome.settled
    assert Counter(moved + left) == Counter(names(50))


KILLED_HALF_WAY = """
    import os, signal
    from postroom.operator.cli import main
    from postroom.operator.dead_letters.replayer import Road

    move, moved = Road.move, 0

    async def and_die(*arguments):
        global moved
        await move(*arguments)
        moved += 1
        if moved == 60:  # while others are under way
            os.kill(os.getpid(), signal.SIGKILL)

    Road.move = and_die
    main()
"""


@contextmanager
def postroom(
    vhost: Any, *arguments: str, program: str = "from postroom.operator.cli import main; main()"
) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {
        "POSTROOM_AMQP_URL": vhost.amqp_url,
        "POSTROOM_MANAGEMENT_URL": vhost.management_url,
    }
    command = [sys.executable, "-c", dedent(program), "dead", *arguments]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


async def test_killed_half_way_again_and_again_no_message_is_lost(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    await dead_harness.bury(*names(500))

    for _kill in range(3):
        with postroom(vhost, "replay", DEAD, "--all", "--yes", program=KILLED_HALF_WAY) as process:
            _output, errors = await asyncio.to_thread(process.communicate, timeout=seconds(PROCESS_STARTS))
            assert process.returncode == -signal.SIGKILL, errors.decode()
    # What a killed process held is ready again when the broker has seen its connection end.
    await eventually(lambda: total_at_least(dead_harness, 500))

    moved, left = Counter(await dead_harness.ids(WORK)), Counter(await dead_harness.ids(DEAD))
    assert set(moved) | set(left) == set(names(500))
    assert len(left) <= 500 - 3 * 60 + 3 * WINDOW
    assert sum((moved + left).values()) - 500 <= 3 * WINDOW


async def test_ctrl_c_stops_cleanly_and_says_how_far_it_came(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    await dead_harness.bury(*names(200))

    with postroom(vhost, "replay", DEAD, "--all", "--yes", "--rate", "2") as process:  # for which 200 take 100 s
        await eventually(lambda: depth_at_least(dead_harness, WORK, 2), within=PROCESS_STARTS)
        process.send_signal(signal.SIGINT)
        output, errors = await asyncio.to_thread(process.communicate, timeout=seconds(PROCESS_ENDS))

    moved, left = await dead_harness.ids(WORK), await dead_harness.ids(DEAD)
    assert process.returncode == 130
    assert f"{len(moved)} of 200 replayed" in output.decode()
    assert "stopped" in errors.decode()
    assert Counter(moved + left) == Counter(names(200))


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

    outcome = await replay(vhost.amqp_url, target_of("unrouted"), ALL, rate=ReplayRate(), control=RunControl())

    assert outcome.settled == 2
    assert outcome.refused == {"no queue takes report.generate": 1}
    assert [(message.routing_key, message.exchange) for message in await dead_harness.drain("sms.send")] == [
        ("sms.send", "jobs")
    ] * 2
    assert await dead_harness.ids("unrouted") == ["report.generate"]


async def test_reading_gives_everything_back(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    await dead_harness.bury(*names(500))

    async with connect(vhost.amqp_url) as connection:
        seen = [found.id async for found in read_letters(connection, TARGET, 300)]
        summary = await summarize(connection, TARGET, 400)

    assert (len(seen), summary.waiting, summary.examined) == (300, 500, 400)
    assert Counter(await dead_harness.ids(DEAD)) == Counter(names(500))


async def test_looking_again_and_again_drops_nothing(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    await dead_harness.bury("m-1")

    async with connect(vhost.amqp_url) as connection:
        for _ in range(30):  # brokers from 4.0 on drop after 20 deliveries, unless a message is given back properly
            assert [found.id async for found in read_letters(connection, TARGET, 10)] == ["m-1"]
            await dead_harness.has(DEAD, 1)


async def test_discarded_messages_are_gone_and_named_in_the_log(
    vhost: Any, dead_harness: DeadLetterHarness, caplog: pytest.LogCaptureFixture
) -> None:
    await dead_harness.bury(*names(3))
    caplog.set_level(logging.INFO)

    outcome = await discard(
        vhost.amqp_url, TARGET, Selection(frozenset({"m-0", "m-2"})), reason="wrong list", control=RunControl()
    )

    assert outcome.settled == 2
    assert await dead_harness.ids(DEAD) == ["m-1"]
    first, last = [
        one.getMessage() for one in caplog.records if one.name == "postroom.operator.dead_letters.discarding"
    ]
    assert "wrong list" in first
    assert "m-0 m-2" in first
    assert DEAD in first
    assert last.endswith("discarded 2 of 3 messages of email.send.dead")


async def test_a_broker_that_is_away_is_named_without_its_password() -> None:
    with pytest.raises(BrokerUnavailable, match=r"no broker at amqp://127\.0\.0\.1:1/x") as error:
        async with connect("amqp://user:canary@127.0.0.1:1/x"):
            pass

    assert "canary" not in str(error.value)


async def test_a_wrong_password_and_a_wrong_virtual_host_are_named(vhost: Any) -> None:
    wrong_password = vhost.amqp_url.replace(f":{vhost.password}@", ":canary@")
    with pytest.raises(BrokerUnavailable, match="user or its password"):
        async with connect(wrong_password):
            pass
    with pytest.raises(BrokerUnavailable, match="virtual host"):
        async with connect(vhost.amqp_url + "-absent"):
            pass


async def depth_at_least(dead_harness: DeadLetterHarness, queue: str, expected: int) -> bool:
    return await dead_harness.depth(queue) >= expected


async def total_at_least(dead_harness: DeadLetterHarness, expected: int) -> bool:
    return await dead_harness.depth(WORK) + await dead_harness.depth(DEAD) >= expected


async def test_a_broker_that_dies_half_way_costs_nothing(own_broker: Any) -> None:
    url = own_broker.amqp_url
    async with dead_harness_on(url) as dead_harness:
        await dead_harness.bury(*names(300))
    await are_written_down(own_broker, WORK, DEAD)
    killed: list[int] = []

    def kill_after_twenty(outcome: RunOutcome) -> None:
        if outcome.settled == 20 and not killed:
            killed.append(outcome.settled)
            own_broker.kill()  # in this very moment, while others are under way: nothing here goes on until it is dead

    outcome = await replay(url, TARGET, ALL, rate=ReplayRate(), control=RunControl(progressed=kill_after_twenty))
    await asyncio.to_thread(own_broker.start)

    assert "the connection was lost" in outcome.problem
    async with dead_harness_on(url) as dead_harness:
        await eventually(lambda: total_at_least(dead_harness, 300))
        moved, left = Counter(await dead_harness.ids(WORK)), Counter(await dead_harness.ids(DEAD))
    assert set(moved) | set(left) == set(names(300))
    assert sum((moved + left).values()) - 300 <= WINDOW
