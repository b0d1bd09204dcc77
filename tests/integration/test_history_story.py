"""The story of a message, from its publication to its end, as an operator reads it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.audit.app import adapters
from services.audit.handlers import worker as audit
from shared.cli import app
from shared.messages import DeadLetterReplayed, Event
from shared.retries import RetryPolicy, fixed
from shared.settings import RuntimeSettings
from shared.testing import eventually, running_with
from shared.worker import Worker
from tests.support.worker import Chore, Desk, publish

TWICE = RetryPolicy(attempts=2, backoff=fixed(timedelta(seconds=1)))


class Post(Chore):
    """Something for somebody."""

    recipient_fields = ("to",)
    to: str = ""
    text: str = ""


async def post(job: Post) -> None:
    """Deliver it."""
    if job.text == "wrong":
        raise ValueError("451 for ada@example.com: say something else")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def service(desk: Desk, database_url: str | None, monkeypatch: pytest.MonkeyPatch) -> RuntimeSettings:
    """Settings of every service here, and of the commands."""
    monkeypatch.setenv("POSTROOM_DATA_DIR", str(desk.data_dir))
    if database_url:
        monkeypatch.setenv("POSTROOM_DATABASE_URL", database_url)
    return desk.station.settings(desk.data_dir, database_url=database_url)


@pytest.fixture
async def _history(desk: Desk, service: RuntimeSettings) -> AsyncIterator[None]:
    desk.station.apply(audit)
    async with running_with(audit, adapters, service):
        yield


async def history(*arguments: str) -> Result:
    """What `postroom history` prints on a terminal of 100 columns."""
    result = await asyncio.to_thread(CliRunner().invoke, app, ["history", *arguments], env={"COLUMNS": "100"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.stderr
    return result


async def story(message_id: str, *, until: str) -> list[str]:
    """The lines of the story, once it says `until`; times and durations are replaced."""

    async def told() -> str:
        text = (await history("show", message_id)).stdout
        assert until in text, text
        return text

    text = await eventually(told, within=timedelta(seconds=30))
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME", text)
    text = re.sub(r"\d+ (ms|s)( \d+ ms)?\b", "LONG", text)
    return [re.sub(r" {2,}", "  ", line).rstrip() for line in text.splitlines()]


async def tell(desk: Desk, event: Event) -> None:
    await publish(desk.channel, "events", event.kind, event.to_wire(), message_id=f"told-{event.kind}-{desk.queue}")


@pytest.mark.usefixtures("_history")
async def test_a_message_that_failed_died_was_edited_replayed_and_done_reads_as_a_story(
    desk: Desk, service: RuntimeSettings
) -> None:
    worker = _post_office(desk)
    async with running_with(worker, _no_adapters, service):
        body = {"n": 1, "to": "Ada <ada@example.com>", "text": "wrong"}
        properties = {"app_id": "shop", "timestamp": datetime.now(UTC), "correlation_id": f"order-{desk.queue}"}
        await desk.put(body, message_id=f"m-{desk.queue}", **properties)
        letter = await desk.dead_letter()
        at = datetime.now(UTC)
        was = '{"to": "a•••@example.com", "text": "wrong"}'
        ids = [f"m-{desk.queue}"]
        await tell(desk, DeadLetterReplayed(queue=desk.queue, message_ids=ids, by="ada@ops", at=at, was=was))
        changed = body | {"text": "right"}
        given = properties | {"message_id": ids[0], "headers": dict(letter.headers)}
        await publish(desk.channel, "", desk.queue, changed, **given)
        lines = await story(ids[0], until="\ndone after")

    assert lines == [
        f"{desk.queue} m-{desk.queue}",
        "for a•••@example.com",
        f"correlation id order-{desk.queue}",
        "",
        "time (UTC)  after",
        "TIME  published by shop",
        "TIME  +LONG  try 1 of 2 failed in LONG, again in LONG",
        "  ValueError: 451 for a•••@example.com: say something else",
        f"  in {__name__}.post",
        "TIME  +LONG  try 2 of 2 failed in LONG: dead letter, the same error",
        "TIME  +LONG  changed and replayed by ada@ops",
        '  before: {"to":"a•••@example.com","text":"wrong"}',
        "TIME  +LONG  done at try 1 of 2 in LONG",
        "",
        "done after 3 tries and 1 replay, LONG after it was published",
    ]


def _post_office(desk: Desk, **options: Any) -> Worker:
    worker = Worker("test")
    worker.handles(type("OwnPost", (Post,), {"kind": desk.queue}), **{"retry": TWICE} | options)(post)
    desk.station.apply(worker)
    return worker


async def _found(*arguments: str) -> list[dict[str, Any]]:
    result = await history("find", *arguments, "--json")
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def _no_adapters(_runtime: Any) -> Any:
    from contextlib import nullcontext

    return nullcontext({})
