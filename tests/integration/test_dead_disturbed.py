"""Replay, discard and export while others read the queue, messages die again, clocks differ and time passes."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aio_pika.abc import AbstractIncomingMessage

from postroom import wire
from postroom.operator.dead_letters import (
    ReplayRate,
    RunControl,
    RunOutcome,
    Selection,
    cause_of,
    export,
    reading,
    selection,
)
from postroom.operator.dead_letters.selection import EVERY
from postroom.testing import eventually
from tests.support.dead_letters import (
    DEAD,
    TARGET,
    WORK,
    DeadLetterHarness,
    discard_all,
    impatient_after,
    names,
    replay_all,
)
from tests.support.patience import WORK as MUCH_WORK
from tests.support.patience import seconds

SOON = seconds(MUCH_WORK)  # what never ended by itself would last an hour
GROUP = cause_of(WORK, "RecipientRefused", "x@y.z: 550 no such user 4").key


async def export_all(vhost: Any, **options: Any) -> RunOutcome:
    return await export(
        vhost.amqp_url, TARGET, EVERY, **{"write": lambda _line: None, "control": RunControl()} | options
    )


@pytest.fixture
def quiet_spells(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When a reader found that for a while no message had come, and went on waiting."""
    spells: list[float] = []
    must_be_open = reading.Reader._must_be_open

    def note(reader: reading.Reader) -> None:
        spells.append(asyncio.get_running_loop().time())
        must_be_open(reader)

    monkeypatch.setattr(reading.Reader, "_must_be_open", note)
    monkeypatch.setattr(reading, "PATIENCE_SECONDS", 3600.0)  # the longer others keep what was counted
    return spells


def once(work: Callable[[], Any]) -> tuple[RunControl, list[asyncio.Task[Any]]]:
    """A RunControl that begins `work` when the first message is settled, and its task."""
    tasks: list[asyncio.Task[Any]] = []

    def progressed(outcome: RunOutcome) -> None:
        if outcome.settled and not tasks:
            tasks.append(asyncio.create_task(work()))

    return RunControl(progressed=progressed), tasks


def more_are_counted(monkeypatch: pytest.MonkeyPatch, more: int) -> None:
    """As if somebody else took so many messages right after they were counted."""
    count = selection.depth_of

    async def counted(*arguments: Any) -> int:
        return await count(*arguments) + more

    monkeypatch.setattr(selection, "depth_of", counted)


async def test_what_another_reader_holds_for_a_while_is_waited_for(
    vhost: Any, dead_harness: DeadLetterHarness, quiet_spells: list[float]
) -> None:
    await dead_harness.bury(*names(300))

    async def look() -> None:
        held = await dead_harness.drain_with_acks(DEAD)
        await dead_harness.has(WORK, 300 - len(held))
        before = len(quiet_spells)
        await eventually(lambda: len(quiet_spells) >= before + 3)  # it has nothing to do but to wait for them
        for message in held:
            await message.nack()

    control, looking = once(look)
    outcome = await replay_all(vhost, rate=ReplayRate(200), control=control)
    await asyncio.gather(*looking)

    assert (outcome.settled, outcome.problem) == (300, "")
    await dead_harness.has(DEAD, 0)


@pytest.mark.parametrize("run", [replay_all, discard_all, export_all])
async def test_what_another_reader_keeps_is_a_problem(
    vhost: Any, dead_harness: DeadLetterHarness, monkeypatch: pytest.MonkeyPatch, run: Any
) -> None:
    impatient_after(monkeypatch, 20)
    more_are_counted(monkeypatch, 4)
    await dead_harness.bury(*names(20))

    outcome = await run(vhost)

    assert outcome.settled == 20
    assert "only 20 of 24 messages of email.send.dead came" in outcome.problem


async def test_asked_to_stop_it_waits_for_no_other_reader(
    vhost: Any, dead_harness: DeadLetterHarness, monkeypatch: pytest.MonkeyPatch, quiet_spells: list[float]
) -> None:
    more_are_counted(monkeypatch, 4)
    await dead_harness.bury("m-1")

    async def stop() -> None:
        before = len(quiet_spells)
        await eventually(lambda: len(quiet_spells) > before + 1)
        first.stop.set()

    first, stopping = once(stop)
    outcome = await asyncio.wait_for(replay_all(vhost, control=first), SOON)
    await asyncio.gather(*stopping)

    assert (outcome.settled, outcome.is_stopped, outcome.problem) == (1, True, "")


@pytest.mark.usefixtures("quiet_spells")
async def test_a_queue_that_is_deleted_meanwhile_is_named_at_once(
    vhost: Any, dead_harness: DeadLetterHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    more_are_counted(monkeypatch, 4)
    await dead_harness.bury("m-1")

    async def delete() -> None:
        async def is_waited_for() -> bool:
            declared = await dead_harness.channel.declare_queue(DEAD, passive=True)
            return declared.declaration_result.consumer_count == 1

        await eventually(is_waited_for)
        await dead_harness.channel.queue_delete(DEAD)

    control, deletion = once(delete)
    outcome = await asyncio.wait_for(replay_all(vhost, control=control), SOON)
    await asyncio.gather(*deletion)

    assert "the broker ended the reading of email.send.dead" in outcome.problem


@pytest.mark.usefixtures("quiet_spells")
async def test_a_queue_that_is_deleted_between_two_batches_is_named_too(
    vhost: Any, dead_harness: DeadLetterHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    more_are_counted(monkeypatch, 4)
    await dead_harness.bury("m-1")
    end_consumer = reading.Reader._end_consumer

    async def and_delete(reader: reading.Reader) -> None:
        await end_consumer(reader)
        await dead_harness.channel.queue_delete(DEAD)

    monkeypatch.setattr(reading.Reader, "_end_consumer", and_delete)
    outcome = await asyncio.wait_for(replay_all(vhost), SOON)

    assert "the broker ended the reading of email.send.dead" in outcome.problem


async def test_what_died_by_a_clock_that_is_ahead_is_meant_like_any_other(
    vhost: Any, dead_harness: DeadLetterHarness
) -> None:
    ahead = {wire.X_FAILED_AT: (datetime.now(UTC) + timedelta(hours=1)).isoformat()}
    await dead_harness.bury("replayed", "discarded", headers=ahead)

    exported = await export_all(vhost)
    discarded = await discard_all(vhost, Selection(frozenset({"discarded"})))
    replayed = await replay_all(vhost)

    assert (exported.settled, discarded.settled, replayed.settled) == (2, 1, 1)
    assert await dead_harness.ids(WORK) == ["replayed"]


async def test_what_a_run_has_replayed_itself_stays_when_it_dies_again(
    vhost: Any, dead_harness: DeadLetterHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The count reaches into what dies meanwhile when somebody else takes messages away.
    more_are_counted(monkeypatch, 100)
    await dead_harness.bury(*names(100))

    async def die_at_once(message: AbstractIncomingMessage) -> None:
        again = {**message.headers, wire.X_FAILED_AT: datetime.now(UTC).isoformat()}
        await dead_harness.bury(message.message_id or "", headers=again)
        await message.ack()

    await (await dead_harness.channel.get_queue(WORK)).consume(die_at_once)

    outcome = await replay_all(vhost)

    assert (outcome.settled, outcome.died_again) == (100, 100)
    await dead_harness.has(DEAD, 100)
    assert Counter(await dead_harness.ids(DEAD)) == Counter(names(100))


async def test_what_a_killed_run_left_in_both_places_is_replayed_though_one_of_the_two_died_again(
    vhost: Any, dead_harness: DeadLetterHarness
) -> None:
    await dead_harness.bury("m-1")
    await dead_harness.bury("m-1", headers={wire.X_REPLAYS: 1, wire.X_REPLAY_RUN: "of the killed run"})

    outcome = await replay_all(vhost)

    assert (outcome.settled, outcome.died_again) == (2, 0)


async def test_what_is_held_for_long_is_given_back_and_nothing_is_missed_or_looked_at_twice(
    vhost: Any, dead_harness: DeadLetterHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "HELD_SECONDS", 0.0)
    await dead_harness.bury(*names(450, "other"), error="452 mailbox full")
    await dead_harness.bury(*names(60), error="550 no such user 17")
    await dead_harness.bury(*names(450, "more"), error="452 mailbox full")
    await dead_harness.bury(*names(60, "last"), error="550 no such user 17")
    # What dies meanwhile stands behind, or among what was given back.
    control, burial = once(lambda: dead_harness.bury(*names(30, "late"), error="550 no such user 17"))

    outcome = await replay_all(vhost, Selection(group=GROUP), control=control)
    await asyncio.gather(*burial)

    assert (outcome.examined, outcome.settled, outcome.not_selected, outcome.problem) == (1020, 120, 900, "")
    assert Counter(await dead_harness.ids(WORK)) == Counter([*names(60), *names(60, "last")])
    await dead_harness.has(DEAD, 930)


async def test_with_a_rate_no_more_is_held_than_goes_in_a_minute(vhost: Any, dead_harness: DeadLetterHarness) -> None:
    await dead_harness.bury(*names(150))
    control = RunControl()
    seen: list[int] = []

    async def look() -> None:
        await dead_harness.has(DEAD, 90)
        seen.append(await dead_harness.depth(DEAD))
        control.stop.set()

    first, looking = once(look)
    control = RunControl(control.stop, first.progressed)
    await asyncio.wait_for(replay_all(vhost, rate=ReplayRate(1), control=control), SOON)
    await asyncio.gather(*looking)

    assert seen == [90]
