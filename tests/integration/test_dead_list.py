"""`postroom dead list` and `show` as a person and a script use them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postroom import wire
from postroom.operator.cli import dead_timeline
from postroom.operator.dead_letters import cause_of
from postroom.read_ports import TIMELINE, TimelineEntry
from postroom.wire.errors import ConfigurationError
from tests.support.dead_letters import DEAD, WORK, DeadCommand, DeadLetterHarness
from tests.support.http import http_client

SECRET = "canary-4711"


async def test_list_groups_by_cause_most_first(dead_harness: DeadLetterHarness, dead: DeadCommand) -> None:
    await dead_harness.bury("a-1", "a-2", "a-3", error="550 no such user 17")
    await dead_harness.bury("b-1", error="452 mailbox full")

    result = await dead("list", "--json")

    [queue] = json.loads(result.stdout)
    assert (queue["queue"], queue["waiting"], queue["examined"]) == (DEAD, 4, 4)
    assert [(group["count"], group["error_type"]) for group in queue["groups"]] == [
        (3, "RecipientRefused"),
        (1, "RecipientRefused"),
    ]
    assert queue["groups"][0]["group"] == cause_of(WORK, "RecipientRefused", "x@y.z: 550 no such user 4").key
    assert queue["groups"][0]["error"] == "<address>: 550 no such user <n>"


async def test_list_shows_a_table_and_what_to_type_next(dead_harness: DeadLetterHarness, dead: DeadCommand) -> None:
    an_hour_ago = (datetime.now(UTC) - timedelta(minutes=90)).isoformat()
    await dead_harness.bury("a-1", error="550 no [bold]such user", headers={wire.X_FAILED_AT: an_hour_ago})

    result = await dead("list")

    key = cause_of(WORK, "RecipientRefused", "x@y.z: 550 no [bold]such user").key
    assert "550 no [bold]such user" in result.stdout
    assert f"postroom dead show {DEAD} --group {key}" in result.stdout
    assert "1 h ago" in result.stdout


async def test_list_says_when_it_did_not_read_all(dead_harness: DeadLetterHarness, dead: DeadCommand) -> None:
    await dead_harness.bury(*(f"m-{number}" for number in range(30)))

    result = await dead("list", DEAD, "--limit", "10")

    assert "10 of 30 messages were read" in result.stderr


async def test_list_says_where_in_the_code_a_group_died(dead_harness: DeadLetterHarness, dead: DeadCommand) -> None:
    await dead_harness.bury("a-1", headers={wire.X_ERROR_AT: "postroom_email.mailer.smtp.deliver"})

    shown = await dead("list")
    [queue] = json.loads((await dead("list", "--json")).stdout)

    assert "in postroom_email.mailer.smtp.deliver" in shown.stdout
    assert queue["groups"][0]["place"] == "postroom_email.mailer.smtp.deliver"


async def test_show_tells_what_the_history_knows(
    dead_harness: DeadLetterHarness, dead: DeadCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    await dead_harness.bury("m-1")
    at = datetime(2026, 11, 25, 14, tzinfo=UTC)
    asked: list[str] = []

    async def timeline(message_id: str) -> list[TimelineEntry]:
        asked.append(message_id)
        return [TimelineEntry(at, "try 1 of 5 failed", error="Refused: 550")]

    monkeypatch.setattr(dead_timeline, "read_port", {TIMELINE: timeline}.get)

    text = (await dead("show", DEAD, "--id", "m-1")).stdout
    [shown] = json.loads((await dead("show", DEAD, "--id", "m-1", "--json")).stdout)

    assert asked[0] == "m-1"
    assert "2026-11-25 14:00:00 UTC  try 1 of 5 failed (Refused: 550)" in text
    [entry] = shown["timeline"]
    assert (entry["at"], entry["what"], entry["error"]) == (at.isoformat(), "try 1 of 5 failed", "Refused: 550")


async def test_show_does_without_a_history(
    dead_harness: DeadLetterHarness, dead: DeadCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    await dead_harness.bury("m-1")

    async def nobody(_message_id: str) -> list[TimelineEntry]:
        raise ConfigurationError("the history cannot be read")

    monkeypatch.setattr(dead_timeline, "read_port", {TIMELINE: nobody}.get)

    result = await dead("show", DEAD, "--id", "m-1")

    assert result.exit_code == 0
    assert "timeline" not in result.stdout


async def test_list_without_dead_letters_says_so(dead_harness: DeadLetterHarness, dead: DeadCommand) -> None:
    result = await dead("list")

    assert (result.exit_code, result.stdout.strip()) == (0, "No dead letters.")


async def test_show_masks_the_body_unless_asked(dead_harness: DeadLetterHarness, dead: DeadCommand) -> None:
    await dead_harness.bury("m-1", body=json.dumps({"to": "ada@example.com", "password": SECRET}).encode())

    masked = await dead("show", DEAD, "--id", "m-1")
    whole = await dead("show", DEAD, "--id", "m-1", "--unmasked")

    assert "ada@example.com" not in masked.stdout
    assert SECRET not in masked.stdout
    assert "550 no such user" in masked.stdout
    assert "ada@example.com" in whole.stdout
    assert SECRET in whole.stdout


async def test_show_as_json_has_headers_and_error(dead_harness: DeadLetterHarness, dead: DeadCommand) -> None:
    await dead_harness.bury("m-1", headers={wire.X_REPLAYS: 2, "note": "call ada@example.com", "x-api-key": SECRET})

    result = await dead("show", DEAD, "--json")
    [shown] = json.loads(result.stdout)
    table = (await dead("show", DEAD)).stdout

    assert (shown["id"], shown["kind"], shown["error_type"], shown["replays"]) == (
        "m-1", WORK, "RecipientRefused", 2,
    )  # fmt: skip
    assert shown["headers"]["x-failed-at"]
    for text in (result.stdout, table):
        assert "ada@" not in text
        assert SECRET not in text
    assert SECRET in (await dead("show", DEAD, "--unmasked")).stdout


async def test_a_message_without_id_is_named_by_its_content(
    vhost: Any, dead_harness: DeadLetterHarness, dead: DeadCommand
) -> None:
    # The client library gives every message an id; the management API, like clients in other languages, does not.
    publish = f"{vhost.management_url}/api/exchanges/{vhost.name}/amq.default/publish"
    async with http_client(auth=(vhost.user, vhost.password)) as http:
        for body in ("first", "second"):
            message = {"properties": {}, "routing_key": DEAD, "payload": body, "payload_encoding": "string"}
            (await http.post(publish, json=message)).raise_for_status()
    shown = json.loads((await dead("show", DEAD, "--json")).stdout)
    second = next(one["id"] for one in shown if one["body"] == "second")

    result = await dead("replay", DEAD, "--id", second)

    assert second.startswith("content:")
    assert result.exit_code == 0
    assert [message.body for message in await dead_harness.drain(WORK)] == [b"second"]


async def test_show_of_an_absent_message_is_a_problem(dead_harness: DeadLetterHarness, dead: DeadCommand) -> None:
    await dead_harness.bury("m-1")

    result = await dead("show", DEAD, "--id", "m-2")

    assert result.exit_code == 1
    assert "none of the 1 messages" in result.stderr
