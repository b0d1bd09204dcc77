"""What a service writes down of its tries is told to the history: soon, once, and also when something was away."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Connection, text

from postroom.privacy.recipients import digest_of
from postroom.runtime.history.outbox import MOST_TRIES, HistoryOutbox
from postroom.runtime.inbox import Finish, Inbox
from postroom.runtime.inbox.liveness import BEAT, LEASE
from postroom.storage.database import Database
from postroom.testing import RecordingPublisher, eventually
from postroom.wire import MAX_BODY_BYTES
from postroom.wire.errors import BrokerUnavailable
from postroom.wire.messages import JobRecorded, Message, RecordedTry
from postroom.wire.retries import RetryPolicy, fixed
from postroom.worker import Delivery, Keep, Worker
from tests.support.proxy import proxy_to
from tests.support.worker import Chore, WorkerHarness, publish, take_all

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
QUICK = RetryPolicy(attempts=2, backoff=fixed(timedelta(seconds=1)))


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


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A try as the processor writes it down."""
    return {
        "at": NOON + timedelta(seconds=number),
        "queue": "email.send",
        "message_id": f"m-{number}",
        "correlation_id": None,
        "attempt": 1,
        "replays": 0,
        "outcome": "retried",
        "error_type": "ValueError",
        "error": "no",
        "milliseconds": 1.5,
        "try_id": f"t-{number}",
        "kind": "email.send",
        "app_id": "shop",
        "published_at": NOON,
        "attempts": 3,
        "place": "postroom_email.mail_sender.send",
        "next_at": NOON + timedelta(minutes=1),
        "recipients": '[{"masked":"a•••@example.com","digest":"d1"}]',
    } | changes


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


async def test_each_kind_of_outcome_is_heard_a_second_later(harness: WorkerHarness) -> None:
    async def behave(job: Chore, delivery: Delivery) -> None:
        if job.n == 2 or delivery.attempt == 1:
            raise ValueError(f"{job.n} for ada@example.com")

    events = await _ears(harness)
    async with harness.running(harness.worker(behave, retry=QUICK)):
        given = {"correlation_id": "c", "app_id": "shop", "timestamp": NOON}
        await asyncio.gather(*(harness.put({"n": n}, message_id=f"m-{n}", **given) for n in (1, 2)))
        tries = await _heard(harness, events, 4)

    told = {(each.message_id, each.attempt): each for each in tries}
    assert {key: each.outcome for key, each in told.items()} == {
        ("m-1", 1): "retried", ("m-1", 2): "done", ("m-2", 1): "retried", ("m-2", 2): "dead",
    }  # fmt: skip
    first = told["m-1", 1]
    assert (first.kind, first.correlation_id, first.app_id, first.published_at) == (harness.queue, "c", "shop", NOON)
    assert (first.attempts, first.error_type, first.error) == (2, "ValueError", "1 for a•••@example.com")
    assert first.place == f"{__name__}.test_each_kind_of_outcome_is_heard_a_second_later.behave"
    assert first.next_at == first.at + timedelta(seconds=1)
    assert told["m-1", 2].next_at is None


async def test_a_message_without_an_id_keeps_the_one_it_got_over_all_its_tries(harness: WorkerHarness) -> None:
    async def fail(_job: Chore, _delivery: Delivery) -> None:
        raise ValueError("no")

    events = await _ears(harness)
    async with harness.running(harness.worker(fail, retry=QUICK)):
        await harness.put({"n": 1})
        letter = await harness.dead_letter()
        tries = await _heard(harness, events, 2)

    assert {each.message_id for each in tries} == {letter.message_id}


async def test_recipients_are_told_masked_and_findable(harness: WorkerHarness) -> None:
    class Post(Chore):
        kind = f"{harness.queue}.post"
        recipient_fields = ("to", "phone")

    worker = Worker("test")

    @worker.handles(Post, history=Keep.ALWAYS)
    async def post(_job: Post) -> None:
        """Nothing to do."""

    harness.worker_vhost.apply(worker)
    events = await _ears(harness)
    async with harness.running(worker):
        body = {"n": 1, "to": ["Ada <Ada@Example.com>", "ada@example.com"], "phone": "+49 151 12345123"}
        await harness.put(body, key=Post.kind, message_id="m")
        [told] = await _heard(harness, events, 1)

    assert [(each.masked, each.digest) for each in told.recipients] == [
        ("A•••@Example.com", digest_of("ada@example.com")),
        ("+49•••••123", digest_of("+4915112345123")),
    ]


async def test_what_is_done_with_a_recording_is_not_recorded(harness: WorkerHarness) -> None:
    worker = Worker("test")
    heard = []

    @worker.listens(JobRecorded, history=Keep.ALWAYS, retry=RetryPolicy(attempts=1))
    async def hear(event: JobRecorded) -> None:
        heard.append(event)
        raise ValueError("no")

    harness.worker_vhost.apply(worker)
    events = await _ears(harness)
    async with harness.running(worker):
        tries = [RecordedTry.model_validate(row(1) | {"id": "t", "recipients": []})]
        event = JobRecorded(service="s", tries=tries)
        await publish(harness.channel, "events", event.kind, event.to_wire() | {"mine": harness.queue})
        await eventually(lambda: len(heard) == 1)

    messages = await take_all(harness.channel, events)
    assert [message.routing_key for message in messages] == ["job.recorded"]  # the one from here; nothing was measured


async def test_what_ends_while_the_broker_is_away_is_told_when_it_is_back(
    harness: WorkerHarness, tmp_path: Path
) -> None:
    may_end, has_begun = asyncio.Event(), asyncio.Event()

    async def take_its_time(_job: Chore, _delivery: Delivery) -> None:
        has_begun.set()
        await may_end.wait()

    events, target = await _ears(harness), urlsplit(harness.worker_vhost.vhost.amqp_url)
    worker = harness.worker(take_its_time, history=Keep.ALWAYS)
    async with proxy_to(target.hostname or "", target.port or 5672) as proxy:
        away = target._replace(netloc=f"{target.username}:{target.password}@127.0.0.1:{proxy.port}").geturl()
        async with harness.running(worker, amqp_url=away):
            await harness.put({"n": 1}, message_id="m")
            await has_begun.wait()
            await proxy.refuse()
            may_end.set()
            await harness.counted(done=1)
            assert await _heard_now(harness, events) == []
            await proxy.listen()
            [told] = await _heard(harness, events, 1)

    assert (told.message_id, told.outcome) == ("m", "done")


async def _watch_the_others_die(inbox: Inbox) -> None:
    clock = itertools.count(time.monotonic(), BEAT.total_seconds())
    inbox.liveness._clock = lambda: next(clock)
    for _ in range(int(LEASE / BEAT) + 3):
        await inbox.liveness.beat()


async def _ears(harness: WorkerHarness) -> str:
    """A queue that hears every job.recorded and job.measured."""
    queue = await harness.channel.declare_queue(exclusive=True)
    for key in ("job.recorded", "job.measured"):
        await queue.bind("events", key)
    return queue.name


async def _heard(harness: WorkerHarness, queue: str, count: int) -> list[RecordedTry]:
    tries: list[RecordedTry] = []

    async def check() -> bool:
        tries.extend(await _heard_now(harness, queue))
        assert len(tries) >= count, f"{len(tries)} of {count} told"
        return True

    await eventually(check)
    return tries


async def _heard_now(harness: WorkerHarness, queue: str) -> list[RecordedTry]:
    bodies = [each.body for each in await take_all(harness.channel, queue) if each.routing_key == JobRecorded.kind]
    return [told for body in bodies for told in JobRecorded.model_validate_json(body).tries]
