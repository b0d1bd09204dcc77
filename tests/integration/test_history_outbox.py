"""What a service wrote down of its tries is told to the history once, whoever dies and whatever was away."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, text

from postroom.runtime.history.outbox import MOST_TRIES, HistoryOutbox
from postroom.runtime.inbox import Finish, Inbox
from postroom.runtime.inbox.liveness import BEAT, LEASE
from postroom.storage.database import Database
from postroom.testing import RecordingPublisher
from postroom.wire import MAX_BODY_BYTES
from postroom.wire.errors import BrokerUnavailable
from postroom.wire.messages import JobRecorded, Message, RecordedTry
from tests.support.tries import row


class HalfAwayPublisher(RecordingPublisher):
    """A broker that takes the first so many messages and then is away."""

    is_connected = True

    def __init__(self, takes: int = 1_000_000) -> None:
        super().__init__()
        self.takes = takes

    async def publish(self, message: Message, **options: Any) -> str:
        """Take it, or not."""
        if len(self.published) >= self.takes:
            raise BrokerUnavailable("away")
        return await super().publish(message, **options)

    @property
    def told(self) -> list[RecordedTry]:
        """Every try that was told."""
        return [each for event in self.published if isinstance(event, JobRecorded) for each in event.tries]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, "recorder")
    await database.migrate()
    yield database
    await database.close()


@asynccontextmanager
async def process(database: Database, publisher: Any) -> AsyncIterator[tuple[Inbox, HistoryOutbox]]:
    """A process of the service, which leaves without a word at the end: as one that was killed."""
    inbox = Inbox(database)
    await inbox.liveness.join()
    yield inbox, HistoryOutbox("email", inbox, database, publisher)


async def write(inbox: Inbox, *rows: dict[str, Any]) -> None:
    await asyncio.gather(*(inbox.finish(Finish(None, is_done=False, history=each)) for each in rows))


async def test_what_was_written_is_told_once_with_all_that_is_known(database: Database) -> None:
    publisher = HalfAwayPublisher()
    async with process(database, publisher) as (inbox, outbox):
        await write(inbox, row(1), row(2, published_at=None, next_at=None, recipients=None, outcome="done"))
        assert await outbox.publish()
        assert await outbox.publish()

    first, second = sorted(publisher.told, key=lambda each: each.id)
    assert first.model_dump(exclude={"recipients"}) == {
        **{name: value for name, value in row(1).items() if name in RecordedTry.model_fields and name != "recipients"},
        "id": "t-1",
    }
    assert [each.model_dump() for each in first.recipients] == [{"masked": "a•••@example.com", "digest": "d1"}]
    assert (second.outcome, second.published_at, second.next_at, second.recipients) == ("done", None, None, [])


async def test_what_the_broker_did_not_take_is_told_later(database: Database) -> None:
    publisher = HalfAwayPublisher(takes=1)
    async with process(database, publisher) as (inbox, outbox):
        await write(inbox, *(row(number) for number in range(MOST_TRIES + 50)))
        assert not await outbox.publish()
        assert inbox.history_added.is_set()
        publisher.takes = 10
        assert await outbox.publish()

    ids = [each.id for each in publisher.told]
    assert sorted(ids) == sorted({f"t-{number}" for number in range(MOST_TRIES + 50)})


async def test_what_a_killed_process_left_is_told_by_another_and_not_what_a_living_one_has(database: Database) -> None:
    killed_said, publisher = HalfAwayPublisher(takes=0), HalfAwayPublisher()
    async with process(database, killed_said) as (killed, its_outbox):
        await write(killed, row(1))
        assert not await its_outbox.publish()

    async with process(database, publisher) as (inbox, outbox):
        assert await outbox.publish()
        assert publisher.told == []  # it may be alive, for all that is known

        await _watch_the_others_die(inbox)
        assert await outbox.publish()

    assert [each.id for each in publisher.told] == ["t-1"]


async def test_tries_with_hundreds_of_recipients_fit_into_messages(database: Database) -> None:
    publisher = HalfAwayPublisher()
    one = '{"masked":"a•••@' + "e" * 240 + '.example","digest":"' + "d" * 32 + '"}'
    large = {"recipients": "[" + ",".join([one] * 300) + "]", "error": "ü" * 1024}
    async with process(database, publisher) as (inbox, outbox):
        await write(inbox, *(row(number, **large) for number in range(3)))
        assert await outbox.publish()

    assert len(publisher.told) == 3
    assert all(len(sent.body) < MAX_BODY_BYTES for sent in publisher.sent)


async def test_a_row_that_cannot_be_told_does_not_stand_in_the_way(database: Database) -> None:
    publisher = HalfAwayPublisher()
    async with process(database, publisher) as (inbox, outbox):
        await write(inbox, row(1, kind=None), row(2))
        assert await outbox.publish()

    assert [each.id for each in publisher.told] == ["t-2"]


async def test_untold_rows_are_found_by_their_index(database: Database) -> None:
    def plan(connection: Connection) -> str:
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        if not database.is_sqlite:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        lines = connection.execute(text(f"{explain} SELECT * FROM history WHERE NOT is_told AND holder = 'h'"))  # noqa: S608
        return "\n".join(str(line) for line in lines)

    assert "ix_history_untold" in await database.run(plan)


async def _watch_the_others_die(inbox: Inbox) -> None:
    clock = itertools.count(time.monotonic(), BEAT.total_seconds())
    inbox.liveness._clock = lambda: next(clock)
    for _ in range(int(LEASE / BEAT) + 3):
        await inbox.liveness.beat()
