"""Dead letters exported to a file and imported again: nothing is lost, nothing doubled, nothing changed."""

import json
import os
import stat
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage

from postroom import wire
from postroom.operator.cli import dead_files
from postroom.operator.dead_letters import RunOutcome, importing
from tests.support.dead_letters import DEAD, QUORUM, WORK, DeadCommand, DeadLetterHarness, impatient_after

PROPERTIES = (
    "body", "message_id", "content_type", "content_encoding", "priority", "correlation_id", "reply_to", "timestamp",
    "type", "app_id", "delivery_mode", "headers",
)  # fmt: skip


def everything(message: AbstractIncomingMessage) -> dict[str, Any]:
    # Without the broker's counts of how often it gave the message to somebody.
    counts = ("x-delivery-count", "x-acquired-count")
    headers = {name: value for name, value in message.headers.items() if name not in counts}
    return {name: getattr(message, name) for name in PROPERTIES} | {"headers": headers}


async def test_what_was_exported_and_lost_comes_back_byte_for_byte(
    dead_harness: DeadLetterHarness, dead: DeadCommand, tmp_path: Path
) -> None:
    odd: dict[str, Any] = {
        "bytes": bytearray(b"\xff\x00"), "time": datetime(2026, 3, 1, 12, tzinfo=UTC), "decimal": Decimal("1.25"),
        "float": 1.1, "nothing": None, "long": 2**40, "list": [1, {"a": ["ä"]}], "table": {"$time": "x"}, "yes": True,
    }  # fmt: skip
    await dead_harness.bury(
        "m-1", headers=odd, body=b"\xff\x00 not text", priority=3, correlation_id="c", reply_to="r", type="t",
        content_encoding="x", app_id="shop", timestamp=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )  # fmt: skip
    await dead_harness.bury("m-2", body="ä\n".encode())
    # One that the broker buried, with the traces that say so.
    await dead_harness.channel.default_exchange.publish(
        aio_pika.Message(b"{}", message_id="m-3", delivery_mode=2), WORK
    )
    (third,) = await dead_harness.drain_with_acks(WORK)
    await third.reject(requeue=False)
    await dead_harness.has(DEAD, 3)
    file = tmp_path / "dead.jsonl"

    exported = await dead("export", DEAD, file)
    await dead_harness.has(DEAD, 3)
    causes = json.loads((await dead("list", DEAD, "--json")).stdout)[0]["groups"]
    before = [everything(message) for message in await dead_harness.drain(DEAD)]
    imported = await dead("import", file)

    assert (exported.exit_code, imported.exit_code) == (0, 0), exported.output + imported.output
    await dead_harness.has(DEAD, 3)
    assert json.loads((await dead("list", DEAD, "--json")).stdout)[0]["groups"] == causes
    after = [everything(message) for message in await dead_harness.drain(DEAD)]
    assert sorted(after, key=lambda each: each["message_id"]) == sorted(before, key=lambda each: each["message_id"])


async def test_the_file_says_that_it_is_unmasked_and_only_its_owner_reads_it(
    dead_harness: DeadLetterHarness, dead: DeadCommand, tmp_path: Path
) -> None:
    await dead_harness.bury("m-1")
    file = tmp_path / "dead.jsonl"

    result = await dead("export", DEAD, file)

    assert "1 of 1 written, unmasked" in result.stderr
    assert "ada@example.com" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["dead.jsonl"]  # noqa: PTH208


async def test_only_those_selected_are_exported(dead_harness: DeadLetterHarness, dead: DeadCommand) -> None:
    await dead_harness.bury("a-1", "a-2", error="452 mailbox full")
    await dead_harness.bury("b-1")

    result = await dead("export", DEAD, "-", "--error", "MAILBOX FULL")

    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert sorted(line["id"] for line in lines) == ["a-1", "a-2"]


async def test_a_file_that_is_there_is_not_written_over(
    dead_harness: DeadLetterHarness, dead: DeadCommand, tmp_path: Path
) -> None:
    file = tmp_path / "dead.jsonl"
    file.write_text("dear")

    result = await dead("export", DEAD, file)

    assert (result.exit_code, file.read_text()) == (2, "dear")


async def test_an_export_that_does_not_reach_its_end_leaves_no_file(
    dead_harness: DeadLetterHarness, dead: DeadCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await dead_harness.bury("m-1", "m-2")

    async def stopped(*_arguments: Any, write: Callable[[bytes], object], **_options: Any) -> RunOutcome:
        write(b"{}")
        return RunOutcome(DEAD, waiting=2, examined=1, settled=1, is_stopped=True)

    monkeypatch.setattr(dead_files, "export", stopped)
    result = await dead("export", DEAD, tmp_path / "dead.jsonl")

    assert result.exit_code == 130
    assert os.listdir(tmp_path) == []  # noqa: PTH208


async def test_a_second_import_doubles_nothing_and_says_so(
    dead_harness: DeadLetterHarness, dead: DeadCommand, tmp_path: Path
) -> None:
    await dead_harness.bury("m-1", "m-2", "twin", "twin")
    file = tmp_path / "dead.jsonl"
    await dead("export", DEAD, file)
    await dead_harness.drain(DEAD)

    first = await dead("import", file)
    await dead_harness.has(DEAD, 4)
    second = await dead("import", file)

    assert f"{DEAD}: 4 imported" in first.stdout
    assert f"{DEAD}: 0 imported" in second.stdout
    assert "4 left out" in second.stderr
    assert Counter(await dead_harness.ids(DEAD)) == {"m-1": 1, "m-2": 1, "twin": 2}


async def test_an_import_goes_on_where_one_ended(
    dead_harness: DeadLetterHarness, dead: DeadCommand, tmp_path: Path
) -> None:
    ids = [f"m-{number}" for number in range(60)]
    await dead_harness.bury(*ids)
    file = tmp_path / "dead.jsonl"
    await dead("export", DEAD, file)
    await dead_harness.drain(DEAD)
    await dead_harness.bury(*ids[:25])

    [result] = json.loads((await dead("import", file, "--json")).stdout)

    assert (result["restored"], result["skipped"], result["problem"]) == (35, 25, "")
    assert Counter(await dead_harness.ids(DEAD)) == Counter(ids)


async def test_a_wrong_line_is_named_and_nothing_is_imported(
    dead_harness: DeadLetterHarness, dead: DeadCommand, tmp_path: Path
) -> None:
    await dead_harness.bury("m-1")
    file = tmp_path / "dead.jsonl"
    await dead("export", DEAD, file)
    await dead_harness.drain(DEAD)
    file.write_text(file.read_text() + "\n{}\n")

    result = await dead("import", file)

    assert result.exit_code == 2
    assert "line 3: postroom" in result.stderr
    await dead_harness.has(DEAD, 0)


async def test_a_file_that_is_not_there_is_named(dead: DeadCommand, tmp_path: Path) -> None:
    result = await dead("import", tmp_path / "absent.jsonl")

    assert result.exit_code == 2
    assert "absent.jsonl: No such file" in result.stderr


@pytest.mark.parametrize(("queue", "code"), [("sms.send.dead", 1), (WORK, 2)])
async def test_a_queue_that_is_not_there_or_holds_no_dead_letters_is_refused(
    dead_harness: DeadLetterHarness, dead: DeadCommand, tmp_path: Path, queue: str, code: int
) -> None:
    await dead_harness.bury("m-1")
    file = tmp_path / "dead.jsonl"
    await dead("export", DEAD, file)
    await dead_harness.drain(DEAD)
    file.write_text(file.read_text() + json.dumps(json.loads(file.read_text()) | {"queue": queue}) + "\n")

    result = await dead("import", file)

    assert result.exit_code == code
    assert queue in result.stderr
    await dead_harness.has(DEAD, 0)
    await dead_harness.has(WORK, 0)


async def test_a_job_that_no_queue_takes_comes_back_with_its_kind(
    dead_harness: DeadLetterHarness, dead: DeadCommand, tmp_path: Path
) -> None:
    unrouted = await dead_harness.channel.declare_exchange("unrouted", "fanout", durable=True)
    await dead_harness.channel.declare_exchange(
        "jobs", "topic", durable=True, arguments={"alternate-exchange": "unrouted"}
    )
    waiting = await dead_harness.channel.declare_queue("unrouted", durable=True, arguments=QUORUM)
    await waiting.bind(unrouted)
    await unrouted.publish(aio_pika.Message(b"{}", message_id="m-1", delivery_mode=2), "sms.sned")
    await dead_harness.has("unrouted", 1)
    file = tmp_path / "unrouted.jsonl"
    await dead("export", "unrouted", file)
    await dead_harness.drain("unrouted")

    imported = await dead("import", file)
    again = tmp_path / "again.jsonl"
    await dead("export", "unrouted", again)
    await dead_harness.drain("unrouted")
    imported_again = await dead("import", again)

    assert (imported.exit_code, imported_again.exit_code) == (0, 0), imported.output + imported_again.output
    await dead_harness.has("unrouted", 1)
    [shown] = json.loads((await dead("show", "unrouted", "--json")).stdout)
    assert (shown["id"], shown["kind"], shown["error_type"]) == ("m-1", "sms.sned", "Unrouted")
    refused = await dead("replay", "unrouted", "--all", "--yes")
    assert "no queue takes sms.sned" in refused.stderr
    await takes(dead_harness, "sms.sned")
    assert (await dead("replay", "unrouted", "--all", "--yes")).exit_code == 0
    assert [(one.routing_key, one.message_id) for one in await dead_harness.drain("sms.sned")] == [("sms.sned", "m-1")]


async def takes(dead_harness: DeadLetterHarness, kind: str) -> None:
    queue = await dead_harness.channel.declare_queue(kind, durable=True, arguments=QUORUM)
    await queue.bind(wire.JOBS, kind)


async def test_an_import_that_does_not_see_all_of_the_queue_imports_nothing(
    dead_harness: DeadLetterHarness, dead: DeadCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await dead_harness.bury("m-1")
    file = tmp_path / "dead.jsonl"
    await dead("export", DEAD, file)
    count = importing.depth_of

    async def counted(*arguments: Any) -> int:
        return await count(*arguments) + 3

    monkeypatch.setattr(importing, "depth_of", counted)
    impatient_after(monkeypatch, 1)

    result = await dead("import", file)

    assert result.exit_code == 1
    assert "only 1 of 4 messages" in result.stderr
    await dead_harness.has(DEAD, 1)


async def test_an_export_that_does_not_see_all_leaves_no_file(
    dead_harness: DeadLetterHarness, dead: DeadCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await dead_harness.bury("m-1")

    async def cut(*_arguments: Any, write: Callable[[bytes], object], **_options: Any) -> RunOutcome:
        write(b"{}")
        return RunOutcome(DEAD, waiting=2, examined=1, settled=1, problem="only 1 of 2 messages came")

    monkeypatch.setattr(dead_files, "export", cut)
    result = await dead("export", DEAD, tmp_path / "dead.jsonl")

    assert result.exit_code == 1
    assert "only 1 of 2 messages came; no file is left" in result.stderr
    assert os.listdir(tmp_path) == []  # noqa: PTH208
