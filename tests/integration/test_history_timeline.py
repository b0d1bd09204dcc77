"""The timeline of a message, from its publication to its end, as an operator reads it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from postroom import terminal
from postroom.operator.cli import app
from postroom.runtime.assembly import Runtime
from postroom.settings import RuntimeSettings
from postroom.terminal import ExitCode
from postroom.testing import eventually, running_service, running_with
from postroom.wire.messages import DeadLetterDiscarded, DeadLetterReplayed, Event
from postroom.wire.retries import RetryPolicy, fixed
from postroom.worker import Adapters, Worker
from postroom_audit.errors import UnknownId
from postroom_audit.handlers import worker as audit
from postroom_audit.service import service as audit_service
from postroom_audit.sql_history import SqlHistory
from tests.support.databases import service_database
from tests.support.worker import Chore, WorkerHarness, publish

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


ONCE = RetryPolicy(attempts=1)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str | None:
    """SQLite files, unless a test asks for PostgreSQL too."""
    return str(request.getfixturevalue("postgres_url")) if getattr(request, "param", "") == "postgresql" else None


on_both_databases = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def service(harness: WorkerHarness, database_url: str | None, monkeypatch: pytest.MonkeyPatch) -> RuntimeSettings:
    """Settings of every service here, and of the commands."""
    monkeypatch.setenv("POSTROOM_DATA_DIR", str(harness.data_dir))
    monkeypatch.setattr(terminal.out, "width", 100)
    if database_url:
        monkeypatch.setenv("POSTROOM_DATABASE_URL", database_url)
    return harness.worker_vhost.settings(harness.data_dir, database_url=database_url)


@pytest.fixture
async def _history(harness: WorkerHarness, service: RuntimeSettings) -> AsyncIterator[None]:
    harness.worker_vhost.apply(audit)
    async with running_service(audit_service, service):
        yield


async def history(*arguments: str) -> Result:
    """What `postroom history` prints on a terminal of 100 columns."""
    result = await asyncio.to_thread(CliRunner().invoke, app, ["history", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.stderr
    return result


async def story(service: RuntimeSettings, message_id: str, *, until: str) -> list[str]:
    """The lines of the timeline, once its outcome begins so; times and durations are replaced."""
    database = service_database(service.service_database_url("audit"), "audit")

    async def is_told() -> bool:
        with suppress(UnknownId):
            [known] = await SqlHistory(database).timelines(message_id)
            assert known.outcomes[0].startswith(until), str(known)
            return True
        return False

    await eventually(is_told)
    await database.close()
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME", (await history("show", message_id)).stdout)
    text = re.sub(r"\d+ (ms|s|min)\b( \d+ s\b)?", "LONG", text)
    return [re.sub(r" {2,}", "  ", line).rstrip() for line in text.splitlines()]


async def tell(harness: WorkerHarness, event: Event) -> None:
    await publish(
        harness.channel, "events", event.kind, event.to_wire(), message_id=f"told-{event.kind}-{harness.queue}"
    )


@on_both_databases
@pytest.mark.usefixtures("_history")
async def test_a_message_that_failed_died_was_edited_replayed_and_done_reads_as_a_story(
    harness: WorkerHarness, service: RuntimeSettings
) -> None:
    worker = _post_office(harness)
    async with running_with(worker, _no_adapters, settings=service):
        body = {"n": 1, "to": "Ada <ada@example.com>", "text": "wrong"}
        properties = {"app_id": "shop", "timestamp": datetime.now(UTC), "correlation_id": f"order-{harness.queue}"}
        await harness.put(body, message_id=f"m-{harness.queue}", **properties)
        letter = await harness.dead_letter()
        at = datetime.now(UTC)
        was = '{"to": "a•••@example.com", "text": "wrong"}'
        ids = [f"m-{harness.queue}"]
        await tell(harness, DeadLetterReplayed(queue=harness.queue, message_ids=ids, by="ada@ops", at=at, was=was))
        changed = body | {"text": "right"}
        given = properties | {"message_id": ids[0], "headers": dict(letter.headers)}
        await publish(harness.channel, "", harness.queue, changed, **given)
        lines = await story(service, ids[0], until="done after 3 tries and 1 replay")

    assert lines == [
        f"{harness.queue} m-{harness.queue}",
        "for a•••@example.com",
        f"correlation id order-{harness.queue}",
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


@pytest.mark.usefixtures("_history")
async def test_a_replay_by_the_management_ui_and_a_discard_are_in_the_story(
    harness: WorkerHarness, service: RuntimeSettings
) -> None:
    message_id = f"m-{harness.queue}"
    async with running_with(_post_office(harness, retry=ONCE), _no_adapters, settings=service):
        await harness.put({"n": 1, "text": "wrong"}, message_id=message_id)
        letter = await harness.dead_letter()
        given = {"message_id": message_id, "headers": dict(letter.headers)}
        await publish(harness.channel, "", harness.queue, letter.body, **given)
        await harness.dead_letter()
        told = {"queue": harness.queue, "message_ids": [message_id], "by": "ada@ops", "at": datetime.now(UTC)}
        await tell(harness, DeadLetterDiscarded(**told, reason="see #123, ask bob@example.com"))
        lines = await story(service, message_id, until="discarded after 2 tries")

    assert lines[3:] == [
        "TIME  try 1 of 1 failed in LONG: dead letter",
        "  ValueError: 451 for a•••@example.com: say something else",
        f"  in {__name__}.post",
        "?  replayed, not by postroom: the management UI?",
        "TIME  +LONG  try 1 of 1 failed in LONG: dead letter, the same error",
        "TIME  +LONG  discarded by ada@ops: see #123, ask b•••@example.com",
        "",
        "discarded after 2 tries and 1 replay",
    ]


@pytest.mark.usefixtures("_history")
async def test_messages_are_found_by_their_recipient_who_is_never_shown(
    harness: WorkerHarness, service: RuntimeSettings
) -> None:
    async with running_with(_post_office(harness, retry=ONCE), _no_adapters, settings=service):
        await harness.put({"n": 1, "to": "Ada <Ada@Example.com>", "text": "wrong"}, message_id=f"m-{harness.queue}")
        await harness.put({"n": 1, "to": "bob@example.com", "text": "wrong"}, message_id=f"other-{harness.queue}")
        await harness.dead_letters(2)

    await story(service, f"m-{harness.queue}", until="dead")
    result = await history("find", "--recipient", "ada@example.com", "--state", "dead", "--queue", harness.queue)
    assert harness.queue in result.stdout
    assert "other" not in result.stdout
    assert "ada@example.com" not in (result.stdout + result.stderr).lower()
    as_json = await history("find", "--error", "say SOMETHING", "--queue", harness.queue, "--json")
    assert sorted(each["message_id"] for each in json.loads(as_json.stdout)) == [
        f"m-{harness.queue}",
        f"other-{harness.queue}",
    ]


async def test_what_is_not_there_or_makes_no_sense_is_said_with_an_exit_code(service: RuntimeSettings) -> None:
    database = service_database(service.service_database_url("audit"), "audit")
    await database.migrate()
    await database.close()
    nothing = await history("show", "no-such-id")
    assert (nothing.exit_code, "nothing is recorded of no-such-id" in nothing.stderr) == (ExitCode.USAGE, True)
    assert (await history("find", "--kind", "email.send")).exit_code == ExitCode.PROBLEMS
    for wrong in (("--since", "yesterday"), ("--state", "lost")):
        assert (await history("find", *wrong)).exit_code == ExitCode.USAGE


def _post_office(harness: WorkerHarness, **options: Any) -> Worker:
    worker = Worker("test")
    worker.handles(type("OwnPost", (Post,), {"kind": harness.queue}), **{"retry": TWICE} | options)(post)
    harness.worker_vhost.apply(worker)
    return worker


def _no_adapters(_runtime: Runtime) -> AbstractAsyncContextManager[Adapters]:
    return nullcontext({})
