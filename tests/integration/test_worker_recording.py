"""What a worker tells the history of its tries: soon, masked, and also when the broker was away."""

import asyncio
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from postroom.privacy.recipients import digest_of
from postroom.testing import eventually
from postroom.wire.messages import JobRecorded, RecordedTry
from postroom.wire.retries import RetryPolicy, fixed
from postroom.worker import Delivery, Keep, Worker
from tests.support.proxy import proxy_to
from tests.support.tries import NOON, row
from tests.support.worker import Chore, WorkerHarness, publish, take_all

QUICK = RetryPolicy(attempts=2, backoff=fixed(timedelta(seconds=1)))


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
