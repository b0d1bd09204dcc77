"""Who may do a message, as several processes on one database see it."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from postroom.runtime.inbox import MOST_DEATHS, Claim, ClaimState, Finish, Inbox, Key
from postroom.runtime.inbox.inbox import SUSPECT_DEATHS
from postroom.runtime.inbox.liveness import BEAT, LEASE
from postroom.storage.database import Database
from postroom.testing import eventually

KEY = Key("email.send", "job-1")
LONG = LEASE.total_seconds() + 2 * BEAT.total_seconds()
YOURS, HELD, DONE = Claim(ClaimState.GRANTED), Claim(ClaimState.HELD), Claim(ClaimState.DONE)


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class InboxHarness:
    """Processes that share a service's database, without their timers: each beats when told."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self._url = url
        self._stack = stack
        self.clock = Clock()

    async def process(self, *, joins: bool = True) -> Inbox:
        """One more, with connections of its own."""
        database = Database(self._url, "test")
        self._stack.push_async_callback(database.close)
        await database.migrate()
        inbox = Inbox(database)
        inbox.liveness._clock = self.clock
        if joins:
            await inbox.liveness.join()
        return inbox

    async def pass_time(self, seconds: float, *beating: Inbox) -> None:
        """Let time pass, in which only these beat."""
        for _ in range(int(seconds / BEAT.total_seconds())):
            self.clock.now += BEAT.total_seconds()
            for inbox in beating:
                await inbox.liveness.beat()


@pytest.fixture
async def harness(database_url: str) -> AsyncIterator[InboxHarness]:
    async with AsyncExitStack() as stack:
        yield InboxHarness(database_url, stack)


async def test_a_message_belongs_to_the_first_who_asks(harness: InboxHarness) -> None:
    one, other = await harness.process(), await harness.process()
    await one.liveness.beat()

    assert await one.claim(KEY) == YOURS
    assert await other.claim(KEY) == HELD
    assert await other.claim(Key("sms.send", KEY.identity)) == YOURS


async def test_finished_work_is_known_to_all_and_for_good(harness: InboxHarness) -> None:
    one, other = await harness.process(), await harness.process()
    await one.claim(KEY)

    await one.finish(Finish(KEY, is_done=True))

    assert await other.claim(KEY) == DONE
    assert await one.claim(KEY) == DONE
    assert await (await harness.process(joins=False)).claim(KEY) == DONE


async def test_failed_work_is_work_again_for_anybody(harness: InboxHarness) -> None:
    one, other = await harness.process(), await harness.process()
    await one.claim(KEY)

    await one.finish(Finish(KEY, is_done=False))

    assert await other.claim(KEY) == YOURS


async def test_twins_in_one_process_wait_for_each_other(harness: InboxHarness) -> None:
    inbox = await harness.process()
    await inbox.claim(KEY)
    twins = [asyncio.create_task(inbox.claim(KEY)) for _ in range(3)]
    await all_wait(inbox, 3)
    await inbox.claim(Key("another", KEY.identity))  # a round trip in which one that did not wait would be answered
    assert not any(twin.done() for twin in twins)

    await inbox.finish(Finish(KEY, is_done=False))
    done, waiting = await asyncio.wait(twins, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result() for task in done] == [YOURS]

    await inbox.finish(Finish(KEY, is_done=True))
    assert [await task for task in waiting] == [DONE, DONE]


async def all_wait(inbox: Inbox, count: int) -> None:
    """Until so many wait for who has KEY here."""
    await eventually(lambda: len(inbox._claimed_here[KEY]._waiters) == count)  # type: ignore[attr-defined]


async def test_a_twin_that_gives_up_waiting_harms_nobody(harness: InboxHarness) -> None:
    inbox = await harness.process()
    await inbox.claim(KEY)
    impatient, patient = (asyncio.create_task(inbox.claim(KEY)) for _ in range(2))
    await all_wait(inbox, 2)

    impatient.cancel()
    await inbox.finish(Finish(KEY, is_done=False))

    assert await patient == YOURS


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


async def test_many_claims_at_once_from_two_processes_have_one_winner_each(harness: InboxHarness) -> None:
    one, other = await harness.process(), await harness.process()
    await one.liveness.beat()
    keys = [Key("q", f"job-{number}") for number in range(400)]

    async def all_of(inbox: Inbox) -> dict[Key, Claim]:
        shuffled = random.sample(keys, len(keys))
        return dict(zip(shuffled, await asyncio.gather(*map(inbox.claim, shuffled)), strict=True))

    ones, others = await asyncio.gather(all_of(one), all_of(other))

    for key in keys:
        assert sorted((ones[key].state.name, others[key].state.name)) == ["GRANTED", "HELD"]


async def test_names_with_quotes_and_other_letters_are_names_like_any(harness: InboxHarness) -> None:
    inbox = await harness.process()
    keys = [Key("q", name) for name in ('a"b', "a'b", "a\\b", "ü€😀", "%", "x" * 255, "[1,2]", " ", "NULL", ":name")]

    for key in keys:
        assert await inbox.claim(key) == YOURS
        await inbox.finish(Finish(key, is_done=True))

    assert [await inbox.claim(key) for key in keys] == [DONE] * len(keys)


async def test_history_is_written_with_the_outcome(harness: InboxHarness) -> None:
    inbox = await harness.process()
    row: dict[str, Any] = {"at": datetime.now(UTC), "queue": "q", "attempt": 1, "replays": 0, "milliseconds": 1.5}

    await inbox.claim(KEY)
    await inbox.finish(Finish(KEY, is_done=True, history=row | {"outcome": "done", "message_id": "job-1"}))
    await inbox.finish(Finish(None, is_done=False, history=row | {"outcome": "dead"}))

    found = await inbox._database.run(
        lambda connection: connection.execute(text("SELECT outcome, message_id FROM history ORDER BY id")).all()
    )
    assert [tuple(row) for row in found] == [("done", "job-1"), ("dead", None)]


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


async def listed(inbox: Inbox) -> set[str]:
    rows = await inbox._database.run(lambda connection: connection.execute(text("SELECT holder FROM workers")).all())
    return {row.holder for row in rows}


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
