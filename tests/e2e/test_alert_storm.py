"""Very many dead letters in a minute: a handful of notifications, every message kept, little memory."""

import asyncio
import json
import os
import re
import sqlite3
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aio_pika
import pytest

from postroom import wire
from postroom.testing import eventually
from postroom_alerting.handlers import worker
from tests.support.alert_sinks import HttpSink, serve_http
from tests.support.crash import Place, processes
from tests.support.memory import Peak
from tests.support.patience import WORK, seconds

DEAD_LETTERS = int(os.environ.get("ALERTING_TEST_DEAD_LETTERS", "5000"))  # 100,000 take too long for each run
SAMPLES = 50
MEBIBYTE = 1024 * 1024
GROWTH_BYTES = 1024
"""Of memory for each dead letter at most: one that is kept, with its record and its message, is several times that."""
CACHES = 0.6
"""What caches and the allocator take beside that, of what the process has after the first of them."""
INTERVAL_SECONDS = 60 if DEAD_LETTERS > 20_000 else 6
WAITING = 500
"""Confirms waited for at once."""
WARM = DEAD_LETTERS // 5
AS_MANY = WORK + timedelta(seconds=DEAD_LETTERS / 20)
by_hand = pytest.mark.timeout(seconds(timedelta(minutes=15) + AS_MANY))

CAUSES = (
    ("email.send", "RecipientsRefused", "user{n}@example.com refused (550 5.1.1 no such user {n})"),
    ("sms.send", "NumberRefused", "the provider refused +49151{n:08}"),
    ("webhook.deliver", "ValueError", "no order '{n}' (0x{n:08x})"),
)


def make_dead_letter(number: int) -> tuple[str, aio_pika.Message]:
    queue, error_type, error = CAUSES[number % len(CAUSES)]
    headers = {
        wire.X_ERROR_TYPE: error_type,
        wire.X_ERROR: error.format(n=number),
        wire.X_ERROR_AT: f"services.{queue.partition('.')[0]}.handlers.work",
        wire.X_FAILED_AT: datetime.now(UTC).isoformat(),
        wire.X_QUEUE: queue,
        wire.X_ROUTING_KEY: queue,
        wire.X_ATTEMPT: 5,
    }
    body = json.dumps({"to": f"user{number}@example.com", "subject": "x" * 200}).encode()
    return queue, aio_pika.Message(body, message_id=f"m-{number}", headers=headers, delivery_mode=2)


async def bury(url: str, numbers: range) -> None:
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel(publisher_confirms=True)
        exchange = await channel.get_exchange(wire.DEAD_LETTERS, ensure=False)
        for begin in range(0, len(numbers), WAITING):
            letters = map(make_dead_letter, numbers[begin : begin + WAITING])
            await asyncio.gather(*(exchange.publish(message, queue) for queue, message in letters))


def stored(path: Path) -> tuple[int, int]:
    """Deaths counted, and messages kept."""
    if not path.exists():
        return 0, 0
    with closing(sqlite3.connect(path)) as database:
        (counted,) = database.execute(
            "SELECT coalesce(sum(total), 0) FROM incidents WHERE about = 'failures'"
        ).fetchone()
        (rows,) = database.execute("SELECT count(*) FROM failures").fetchone()
    return counted, rows


@by_hand
@pytest.mark.parametrize("keep", ["all", "samples"])
async def test_a_storm_is_a_handful_of_notifications_and_every_message_is_counted(
    place: Place, environment: dict[str, str], tmp_path: Path, keep: str
) -> None:
    place.prepare(worker)
    with serve_http() as sink:
        own = {
            "ALERTING_CHANNELS": f"json://127.0.0.1:{sink.port}/",
            "ALERTING_KEEP": keep,
            "ALERTING_SAMPLES": str(SAMPLES),
            "ALERTING_INTERVAL_MINUTES": str(INTERVAL_SECONDS / 60),
        }
        database = tmp_path / "data" / "alerting.sqlite3"
        with processes("postroom_alerting", {**environment, **place.environment, **own}, tmp_path, 1) as [service]:
            await service.ready()
            began, peak = time.monotonic(), Peak(service.pid)
            with peak.watched():
                await bury(place.amqp_url, range(WARM))
                await eventually(lambda: stored(database)[0] == WARM, within=AS_MANY)
                warm = peak.mib
                await bury(place.amqp_url, range(WARM, DEAD_LETTERS))
                published = time.monotonic() - began
                await eventually(lambda: stored(database)[0] == DEAD_LETTERS, within=AS_MANY)
                recorded = time.monotonic() - began
            await eventually(lambda: _deaths_sent(sink) == DEAD_LETTERS, within=WORK)
        sent = _of_failures(sink)
        states = dict(Counter(each["state"] for each in sent))
        print(  # noqa: T201 - for who measures
            f"{keep}: {DEAD_LETTERS:,} dead letters published in {published:.0f} s, recorded after {recorded:.0f} s, "
            f"{peak.mib:.0f} MiB at most, {peak.cpu_seconds:.0f} s of processor time, notifications: {states}"
        )

    firsts = [body["queue"] for body in sent if body["state"] == "new"]
    assert sorted(firsts) == sorted(queue for queue, *_ in CAUSES)
    # One digest in each interval, of all groups, and one at the end.
    assert len(sent) - len(firsts) <= recorded / INTERVAL_SECONDS + 2
    assert stored(database)[1] == (DEAD_LETTERS if keep == "all" else SAMPLES * len(CAUSES))
    allowed = warm * CACHES + (DEAD_LETTERS - WARM) * GROWTH_BYTES / MEBIBYTE
    assert peak.mib - warm < allowed, f"{warm:.0f}, then {peak.mib:.0f} MiB"
    assert not re.search(r"\w@|\+49151\d", "".join(each["message"] for each in sink.bodies)), (
        "a whole address or number"
    )


def _deaths_sent(sink: HttpSink) -> int:
    """How many deaths people were notified of."""
    return sum(each["new"] for body in _of_failures(sink) for each in body.get("groups", [body]))


def _of_failures(sink: HttpSink) -> list[dict[str, Any]]:
    """What was sent of failures. In a long run there are conditions too: there is no management API, for one."""
    return [body for body in sink.bodies if "condition" not in body]
