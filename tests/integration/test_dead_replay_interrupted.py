"""A replay that is stopped, killed, or loses its broker or its queue half way: no message is lost."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import dedent
from typing import Any

import pytest

from postroom.operator.dead_letters import (
    WINDOW,
    ReplayRate,
    RunControl,
    RunOutcome,
    replay,
)
from postroom.operator.dead_letters.selection import EVERY
from postroom.testing import eventually
from postroom.wire.errors import TopologyError
from tests.support.broker_files import are_written_down
from tests.support.dead_letters import DEAD, TARGET, WORK, DeadLetterHarness, dead_harness_on, names, replay_all
from tests.support.patience import PROCESS_ENDS, PROCESS_STARTS, seconds


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
    from postroom.operator.dead_letters.replayer import Replayer

    move, moved = Replayer.move, 0

    async def and_die(*arguments):
        global moved
        await move(*arguments)
        moved += 1
        if moved == 60:  # while others are under way
            os.kill(os.getpid(), signal.SIGKILL)

    Replayer.move = and_die
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

    outcome = await replay(url, TARGET, EVERY, rate=ReplayRate(), control=RunControl(progressed=kill_after_twenty))
    await asyncio.to_thread(own_broker.start)

    assert "the connection was lost" in outcome.problem
    async with dead_harness_on(url) as dead_harness:
        await eventually(lambda: total_at_least(dead_harness, 300))
        moved, left = Counter(await dead_harness.ids(WORK)), Counter(await dead_harness.ids(DEAD))
    assert set(moved) | set(left) == set(names(300))
    assert sum((moved + left).values()) - 300 <= WINDOW
