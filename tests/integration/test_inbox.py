"""Who may do a message, as several processes on one database see it."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from postroom.runtime.inbox import Claim, Finish, Inbox, Key
from postroom.testing import eventually
from tests.support.inbox import DONE, HELD, KEY, YOURS, InboxHarness


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
