"""Messages that die: with their reason, without secrets, and once; and what a replay of them is."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from postroom.storage.database import Database
from postroom.wire.errors import PermanentFailure
from postroom.wire.retries import RetryPolicy, fixed
from postroom.worker import Delivery, Keep
from tests.support.worker import Chore, WorkerHarness, WorkerVhost, failing, harness_at, publish

ONCE = RetryPolicy(attempts=1)
QUICK = RetryPolicy(attempts=3, backoff=fixed(timedelta(seconds=1)))
CANARY = "canary-4711"


async def test_what_can_never_succeed_dies_at_once(harness: WorkerHarness) -> None:
    async with harness.running(harness.worker(failing(PermanentFailure("550 no such user")), retry=QUICK)):
        put_at = datetime.now(UTC)
        await harness.put({"n": 1}, message_id="a", correlation_id="order-7", app_id="shop", headers={"tenant": "acme"})
        letter = await harness.dead_letter()

    assert len(harness.done) == 1
    assert (letter.message_id, letter.correlation_id, letter.app_id) == ("a", "order-7", "shop")
    assert (letter.body, letter.delivery_mode, letter.headers["tenant"]) == (b'{"n": 1}', 2, "acme")
    assert (letter.headers["x-error-type"], letter.headers["x-error"]) == ("PermanentFailure", "550 no such user")
    assert (letter.headers["x-attempt"], letter.headers["x-attempts"]) == (1, 3)
    failed_at = datetime.fromisoformat(letter.headers["x-failed-at"])
    assert failed_at.utcoffset() == timedelta(0)
    assert put_at <= failed_at <= datetime.now(UTC)
    assert await harness.depth() == 0


async def test_headers_of_ours_are_at_most_one_kibibyte(harness: WorkerHarness) -> None:
    async with harness.running(harness.worker(failing(ValueError("ä" * 5000)), retry=ONCE)):
        await harness.put(
            {}, headers={"x-exchange": "e" * 5000, "x-routing-key": "k" * 5000, "x-first-seen-at": "1" * 5000}
        )
        letter = await harness.dead_letter()

    assert letter.headers["x-error"].startswith("äää")
    assert max(len(str(value).encode()) for value in letter.headers.values()) <= 1024


async def test_no_copy_of_a_dead_letter_or_a_retry_goes_elsewhere(
    harness: WorkerHarness, worker_vhost: WorkerVhost, tmp_path: Path
) -> None:
    async with harness_at(worker_vhost, tmp_path / "other") as other:
        other.worker()
        headers = {"CC": [other.queue], "BCC": [other.queue]}  # the broker takes BCC off before it delivers
        retry = RetryPolicy(attempts=2, backoff=fixed(timedelta(seconds=1)))
        async with harness.running(harness.worker(failing(ValueError("no")), retry=retry)):
            await harness.put({}, headers=headers)
            letter = await harness.dead_letter()

        assert "CC" not in letter.headers
        await other.has_depth(1)  # what the publisher asked for, once; nothing of retry and dead letter
        assert await other.depth(f"{other.queue}.dead") == 0


async def test_no_secret_gets_into_dead_letters_logs_or_history(
    harness: WorkerHarness, caplog: pytest.LogCaptureFixture
) -> None:
    error = ConnectionError(f"https://user:{CANARY}@api.example failed, token={CANARY}, Authorization: Bearer {CANARY}")
    caplog.set_level(logging.INFO)

    async with harness.running(harness.worker(failing(error), retry=RetryPolicy(2, fixed(timedelta(seconds=1))))):
        await harness.put({})
        letter = await harness.dead_letter()

    assert letter.headers["x-error"].startswith("https://user:•••@api.example failed")
    assert CANARY not in str(letter.headers)
    assert CANARY not in str(harness.done[1].delivery.headers)
    assert CANARY not in caplog.text
    assert CANARY not in str(await history(harness))


async def test_a_probe_of_the_topology_check_is_not_done(harness: WorkerHarness) -> None:
    async with harness.running(harness.worker()):
        await publish(
            harness.channel, "", harness.queue, {"n": 1}, headers={"x-postroom-probe": "1"}, message_id="probe"
        )
        letter = await harness.dead_letter()

    assert (letter.message_id, harness.done) == ("probe", [])


async def test_a_replay_starts_with_fresh_attempts_and_is_counted(harness: WorkerHarness) -> None:
    retry = RetryPolicy(attempts=2, backoff=fixed(timedelta(seconds=1)))
    async with harness.running(harness.worker(failing(ValueError("no")), retry=retry)):
        await harness.put({"n": 1}, message_id="a")
        letter = await harness.dead_letter()
        for round_ in (1, 2):
            # As the management UI moves it: through the default exchange, with all its headers.
            await publish(harness.channel, "", harness.queue, letter.body, message_id="a", headers=dict(letter.headers))
            letter = await harness.dead_letter()
            assert (letter.headers["x-replays"], letter.headers["x-attempt"]) == (round_, 2)

    assert [done.delivery.attempt for done in harness.done] == [1, 2] * 3
    assert [done.delivery.replays for done in harness.done] == [0, 0, 1, 1, 2, 2]
    assert (letter.headers["x-exchange"], letter.headers["x-routing-key"]) == ("jobs", harness.queue)


async def test_a_replay_that_succeeds_is_done_and_then_remembered(harness: WorkerHarness) -> None:
    async with harness.running(harness.worker(failing(ValueError("no"), times=1), retry=ONCE)):
        await harness.put({"n": 1}, message_id="a")
        letter = await harness.dead_letter()
        await publish(harness.channel, "", harness.queue, letter.body, message_id="a", headers=dict(letter.headers))
        await harness.has_done(2)
        await harness.put({"n": 1}, message_id="a")
        await harness.put({"n": 2}, message_id="b")
        await harness.has_done(3)

    assert [done.message_id for done in harness.done] == ["a", "a", "b"]


async def history(harness: WorkerHarness) -> list[Any]:
    database = Database(harness.worker_vhost.settings(harness.data_dir).service_database_url("test"), "test")
    try:
        async with database.engine.connect() as connection:
            rows = await connection.execute(text("SELECT * FROM history ORDER BY id"))
            return list(rows.mappings())
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("keep", "outcomes"),
    [
        (Keep.ALWAYS, ["retried", "done", "done", "dead"]),
        (Keep.ON_FAILURE, ["retried", "done", "dead"]),  # of what failed also how it ended
        (Keep.NEVER, []),
    ],
)
async def test_history_keeps_what_was_asked_for(harness: WorkerHarness, keep: Keep, outcomes: list[str]) -> None:
    async def behave(job: Chore, delivery: Delivery) -> None:
        if job.n == 2:
            raise PermanentFailure("ada@example.com is unknown")
        if job.n == 1 and delivery.attempt == 1:
            raise ValueError("not yet")

    async with harness.running(harness.worker(behave, retry=QUICK, history=keep)):
        await harness.put({"n": 1}, message_id="a", correlation_id="c")
        await harness.has_done(2)
        await harness.put({"n": 3}, message_id="never failed")
        await harness.has_done(3)
        await harness.put({"n": 2}, message_id="b")
        await harness.dead_letter()

    rows = await history(harness)
    assert [row["outcome"] for row in rows] == outcomes
    for row in rows:
        assert row["queue"] == harness.queue
        assert row["milliseconds"] >= 0
    if rows:
        assert (rows[0]["message_id"], rows[0]["correlation_id"], rows[0]["attempt"]) == ("a", "c", 1)
        assert (rows[-1]["error_type"], rows[-1]["error"]) == ("PermanentFailure", "a•••@example.com is unknown")
