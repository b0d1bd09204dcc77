"""Group commit: many wishes, few transactions, and none forgotten while the database is away."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, InternalError, OperationalError

from postroom.storage.group_commit import LARGEST_BATCH, GroupCommit


class FakeDatabase:
    """Runs the work when it is let; fails with the errors it is given first."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.open = asyncio.Event()
        self.open.set()

    async def run(self, work: Callable[[Any], Any]) -> Any:
        await self.open.wait()
        if self.errors:
            raise self.errors.pop(0)
        return work(None)


def committing(database: FakeDatabase) -> tuple[GroupCommit, list[list[Any]]]:
    batches: list[list[Any]] = []

    def commit(_connection: Any, wishes: list[Any]) -> list[Any]:
        batches.append(wishes)
        return [f"answer to {wish}" for wish in wishes]

    return GroupCommit(database, commit), batches  # type: ignore[arg-type]


def lost() -> DBAPIError:
    """What SQLAlchemy makes of asyncpg's `connection was closed in the middle of operation`."""
    return DBAPIError("UPDATE", {}, Exception("closed in the middle"), connection_invalidated=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postroom.storage.group_commit.LONGEST_PAUSE_SECONDS", 0.001)


async def test_a_single_wish_waits_for_nobody() -> None:
    commits, batches = committing(FakeDatabase())

    assert await commits.write(1) == "answer to 1"
    assert batches == [[1]]


async def test_what_comes_while_a_transaction_runs_is_the_next_one() -> None:
    database = FakeDatabase()
    commits, batches = committing(database)
    database.open.clear()
    first = asyncio.create_task(commits.write(0))
    await asyncio.sleep(0)
    others = [asyncio.create_task(commits.write(number)) for number in range(1, 100)]
    await asyncio.sleep(0)

    database.open.set()

    assert await asyncio.gather(first, *others) == [f"answer to {number}" for number in range(100)]
    assert [len(batch) for batch in batches] == [1, 99]


async def test_a_transaction_has_a_largest_size() -> None:
    commits, batches = committing(FakeDatabase())

    answers = await asyncio.gather(*(commits.write(number) for number in range(2 * LARGEST_BATCH + 1)))

    assert len(set(answers)) == 2 * LARGEST_BATCH + 1
    assert max(map(len, batches)) == LARGEST_BATCH


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("BEGIN", {}, Exception("refused")),
        ConnectionRefusedError(),
        InternalError("UPDATE", {}, Exception("another operation is in progress")),
        lost(),
    ],
)
async def test_a_database_that_is_away_is_waited_for(error: Exception) -> None:
    database = FakeDatabase(error, error, error)
    commits, batches = committing(database)

    writing = asyncio.create_task(commits.write(1))
    while len(database.errors) == 3:
        await asyncio.sleep(0)
    assert commits.is_failing

    assert await writing == "answer to 1"
    assert batches == [[1]]
    assert not commits.is_failing


async def test_a_mistake_is_told_to_all_who_wait_and_to_nobody_else() -> None:
    commits, _ = committing(FakeDatabase(IntegrityError("INSERT", {}, Exception("too long"))))

    answers = await asyncio.gather(commits.write(1), commits.write(2), return_exceptions=True)

    assert [type(answer) for answer in answers] == [IntegrityError, IntegrityError]
    assert await commits.write(3) == "answer to 3"


async def test_one_who_gives_up_harms_no_other() -> None:
    database = FakeDatabase()
    commits, batches = committing(database)
    database.open.clear()
    tasks = [asyncio.create_task(commits.write(number)) for number in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.sleep(0)

    database.open.set()

    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert (answers[0], answers[2]) == ("answer to 0", "answer to 2")
    assert sum(map(len, batches)) == 3  # what was asked for is carried out all the same
