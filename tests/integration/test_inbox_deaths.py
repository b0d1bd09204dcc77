"""Whose work is taken over, as several processes on one database see it: that of the dead, and only theirs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from sqlalchemy.exc import OperationalError

from postroom.runtime.inbox import MOST_DEATHS, Claim, ClaimState, Finish, Key
from postroom.runtime.inbox.inbox import SUSPECT_DEATHS
from postroom.runtime.inbox.liveness import BEAT, LEASE
from tests.support.inbox import DONE, HELD, KEY, LONG, InboxHarness, listed


@pytest.fixture
async def harness(database_url: str) -> AsyncIterator[InboxHarness]:
    async with AsyncExitStack() as stack:
        yield InboxHarness(database_url, stack)


async def test_only_the_work_of_the_dead_is_taken_over(harness: InboxHarness) -> None:
    dead, alive, taker = [await harness.process() for _ in range(3)]
    await dead.claim(Key("q", "of the dead"))
    await alive.claim(Key("q", "of the living"))
    await taker.liveness.beat()

    await harness.pass_time(LEASE.total_seconds(), alive, taker)
    assert await taker.claim(Key("q", "of the dead")) == HELD  # not before its lease is over
    await harness.pass_time(LONG, alive, taker)

    assert await taker.claim(Key("q", "of the dead")) == Claim(ClaimState.GRANTED, deaths=1)
    assert await taker.claim(Key("q", "of the living")) == HELD


async def test_of_two_who_find_it_dead_one_takes_over(harness: InboxHarness) -> None:
    dead, one, other = [await harness.process() for _ in range(3)]
    keys = [Key("q", str(number)) for number in range(50)]
    for key in keys:
        await dead.claim(key)
    await harness.pass_time(LONG, one, other)

    claims = await asyncio.gather(*(inbox.claim(key) for key in keys for inbox in (one, other)))

    pairs = [sorted(claim.state.name for claim in claims[n : n + 2]) for n in range(0, 100, 2)]
    assert pairs == [["GRANTED", "HELD"]] * 50


async def test_a_process_that_froze_cannot_finish_what_was_taken_over(harness: InboxHarness) -> None:
    frozen, taker = await harness.process(), await harness.process()
    await frozen.claim(KEY)
    await taker.liveness.beat()
    await harness.pass_time(LONG, taker)
    assert await taker.claim(KEY) == Claim(ClaimState.GRANTED, deaths=1)

    await frozen.finish(Finish(KEY, is_done=False))  # it wakes up and thinks that it failed
    await frozen.liveness.beat()

    await taker.finish(Finish(KEY, is_done=True))
    assert await frozen.claim(KEY) == DONE


async def test_a_process_that_froze_and_woke_up_in_time_keeps_its_work(harness: InboxHarness) -> None:
    frozen, other = await harness.process(), await harness.process()
    await frozen.claim(KEY)
    await other.liveness.beat()
    await harness.pass_time(LEASE.total_seconds() - BEAT.total_seconds(), other)

    await frozen.liveness.beat()
    await other.liveness.beat()
    await harness.pass_time(LEASE.total_seconds(), other)

    assert await other.claim(KEY) == HELD


async def test_a_watcher_that_froze_itself_finds_nobody_dead(harness: InboxHarness) -> None:
    worker, watcher = await harness.process(), await harness.process()
    await worker.claim(KEY)
    await watcher.liveness.beat()

    harness.clock.now += 3600  # in which both stood still, on a laptop that slept
    await worker.liveness.beat()
    await watcher.liveness.beat()

    assert await watcher.claim(KEY) == HELD


async def test_who_has_just_come_is_not_dead_although_nobody_has_seen_him(harness: InboxHarness) -> None:
    watcher = await harness.process()
    await harness.pass_time(LONG, watcher)
    newcomer = await harness.process()
    await newcomer.claim(KEY)

    assert await watcher.claim(KEY) == HELD
    await watcher.liveness.beat()
    assert await watcher.claim(KEY) == HELD


async def test_who_left_in_good_order_is_missed_at_the_next_look(harness: InboxHarness) -> None:
    leaver, other = await harness.process(), await harness.process()
    await leaver.claim(KEY)
    await leaver.liveness.leave()

    await other.liveness.beat()
    await other.claim(KEY)  # finds that nobody knows the holder
    await other.liveness.beat()

    assert (await other.claim(KEY)).state is ClaimState.GRANTED


async def test_who_has_not_looked_yet_finds_nobody_dead(harness: InboxHarness) -> None:
    one = await harness.process()
    await one.claim(KEY)
    await one.liveness.leave()

    assert await (await harness.process(joins=False)).claim(KEY) == HELD


async def test_deaths_are_counted_and_a_suspect_s_only_once_it_has_begun(harness: InboxHarness) -> None:
    found = []
    for _ in range(MOST_DEATHS + 2):
        inbox = await harness.process()
        await inbox.liveness.beat()
        await harness.pass_time(LONG, inbox)  # in which the one before is found to be dead
        claim = await inbox.claim(KEY)
        assert claim.state is ClaimState.GRANTED
        found.append(claim.deaths)
        if claim.is_suspect and len(found) % 2:  # every other one dies while it waits for its turn
            await inbox.begin(KEY)

    assert found[: SUSPECT_DEATHS + 1] == list(range(SUSPECT_DEATHS + 1))
    assert found == [0, 1, 2, 3, 3, 4, 4]


async def test_the_dead_are_struck_off_the_list_once_nothing_of_theirs_is_left(harness: InboxHarness) -> None:
    dead, taker = await harness.process(), await harness.process()
    await dead.claim(KEY)
    await taker.liveness.beat()
    await harness.pass_time(LONG, taker)

    await taker.liveness._remove_dead()
    assert dead.holder in await listed(taker)  # its message has not come to anybody yet
    await taker.claim(KEY)
    await taker.liveness._remove_dead()

    assert await listed(taker) == {taker.holder}


async def test_a_heartbeat_that_cannot_be_written_declares_nobody_dead(
    harness: InboxHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroom.runtime.inbox.liveness.BEAT", BEAT / 100)
    dead, watcher = await harness.process(), await harness.process()
    await dead.claim(KEY)
    await watcher.liveness.beat()
    await harness.pass_time(LONG)
    failed = asyncio.Event()

    async def fail(_work: object) -> None:
        failed.set()
        raise OperationalError("SELECT 1", {}, Exception("the server is away"))

    with monkeypatch.context() as away:
        away.setattr(watcher._database, "run", fail)
        beating = asyncio.create_task(watcher.liveness.send_heartbeats())
        await failed.wait()
        await asyncio.sleep(0)
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)

    assert await watcher.claim(KEY) == HELD  # it has to watch for a whole lease again
    await watcher.liveness.beat()
    assert await watcher.claim(KEY) == HELD
    await harness.pass_time(LONG, watcher)
    assert (await watcher.claim(KEY)).deaths == 1
