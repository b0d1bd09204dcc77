"""`postroom dead` as a person and a script use it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from click.testing import Result
from typer.testing import CliRunner

from shared import wire
from shared.cli import app, dead_running, dead_timeline, output
from shared.dead_letters import cause_of, reading, selection
from shared.errors import ConfigurationError
from tests.support.dead_letters import DEAD, WORK, Bench, bench_on

Postroom = Callable[..., Any]
SECRET = "canary-4711"


@pytest.fixture
async def bench(vhost: Any) -> AsyncIterator[Bench]:
    async with bench_on(vhost.amqp_url) as bench:
        yield bench


@pytest.fixture
def postroom(vhost: Any, monkeypatch: pytest.MonkeyPatch) -> Postroom:
    monkeypatch.setenv("POSTROOM_AMQP_URL", vhost.amqp_url)
    monkeypatch.setenv("POSTROOM_MANAGEMENT_URL", vhost.management_url)
    monkeypatch.setattr(output.out, "width", 200)

    async def run(*arguments: str) -> Result:
        # In a thread: the command has an event loop of its own.
        return await asyncio.to_thread(CliRunner().invoke, app, ["dead", *arguments])

    return run


async def test_list_groups_by_cause_most_first(bench: Bench, postroom: Postroom) -> None:
    await bench.bury("a-1", "a-2", "a-3", error="550 no such user 17")
    await bench.bury("b-1", error="452 mailbox full")

    result = await postroom("list", "--json")

    [queue] = json.loads(result.stdout)
    assert (queue["queue"], queue["waiting"], queue["examined"]) == (DEAD, 4, 4)
    assert [(group["count"], group["error_type"]) for group in queue["groups"]] == [
        (3, "RecipientRefused"),
        (1, "RecipientRefused"),
    ]
    assert queue["groups"][0]["group"] == cause_of(WORK, "RecipientRefused", "x@y.z: 550 no such user 4").key
    assert queue["groups"][0]["error"] == "<address>: 550 no such user <n>"


async def test_list_shows_a_table_and_what_to_type_next(bench: Bench, postroom: Postroom) -> None:
    await bench.bury("a-1", error="550 no [bold]such user")

    result = await postroom("list")

    key = cause_of(WORK, "RecipientRefused", "x@y.z: 550 no [bold]such user").key
    assert "550 no [bold]such user" in result.stdout
    assert f"postroom dead show {DEAD} --group {key}" in result.stdout
    assert "3 min ago" in result.stdout


async def test_list_says_when_it_did_not_read_all(bench: Bench, postroom: Postroom) -> None:
    await bench.bury(*(f"m-{number}" for number in range(30)))

    result = await postroom("list", DEAD, "--limit", "10")

    assert "10 of 30 messages were read" in result.stderr


async def test_list_says_where_in_the_code_a_group_died(bench: Bench, postroom: Postroom) -> None:
    await bench.bury("a-1", headers={wire.X_ERROR_AT: "services.email.mailer.smtp.deliver"})

    shown = await postroom("list")
    [queue] = json.loads((await postroom("list", "--json")).stdout)

    assert "in services.email.mailer.smtp.deliver" in shown.stdout
    assert queue["groups"][0]["place"] == "services.email.mailer.smtp.deliver"


def ago(**span: float) -> dict[str, str]:
    return {wire.X_FAILED_AT: (datetime.now(UTC) - timedelta(**span)).isoformat()}


SELECTIONS = (
    (("--error", "MAILBOX full"), {"b", "c"}),
    (("--since", ago(hours=1.5)[wire.X_FAILED_AT]), {"a"}),
    (("--error-type", "Refused", "--older-than", "90m"), {"b"}),
    (("--id", "a", "--id", "c", "--kind", "user.created"), {"c"}),
)


@pytest.mark.parametrize(("options", "meant"), SELECTIONS)
async def test_every_command_means_the_same_messages(
    bench: Bench, postroom: Postroom, options: tuple[str, ...], meant: set[str]
) -> None:
    await bench.bury("a", error="550 no such user", headers={wire.X_ERROR_TYPE: "Refused", **ago(hours=1)})
    await bench.bury("b", error="Mailbox full", headers={wire.X_ERROR_TYPE: "Refused", **ago(hours=2)})
    other = {wire.X_ERROR_TYPE: "Deferred", wire.X_ROUTING_KEY: "user.created", **ago(hours=3)}
    await bench.bury("c", error="mailbox full", headers=other)

    listed = json.loads((await postroom("list", *options, "--json")).stdout)
    shown = json.loads((await postroom("show", DEAD, *options, "--json")).stdout)
    exported = (await postroom("export", DEAD, "-", *options)).stdout.splitlines()
    counted = json.loads((await postroom("discard", DEAD, *options, "--reason", "x", "--dry-run", "--json")).stdout)
    await postroom("replay", DEAD, *options, "--yes")

    assert {one for queue in listed for group in queue["groups"] for one in group["sample_ids"]} == meant
    assert {one["id"] for one in shown} == meant
    assert {json.loads(line)["id"] for line in exported} == meant
    assert counted["settled"] == len(meant)
    assert set(await bench.ids(WORK)) == meant
    assert set(await bench.ids(DEAD)) == {"a", "b", "c"} - meant


@pytest.mark.parametrize(
    "options",
    [
        ("--since", "yesterday"),
        ("--until", "x"),
        ("--older-than", "2 moons"),
        ("--older-than", "1h", "--until", "2026-01-01"),
    ],
)
async def test_a_time_that_means_nothing_is_refused(bench: Bench, postroom: Postroom, options: tuple[str, ...]) -> None:
    result = await postroom("show", DEAD, *options)

    assert result.exit_code == 2
    assert options[0] in result.stderr


async def test_a_selection_that_fits_nothing_is_a_problem(bench: Bench, postroom: Postroom) -> None:
    await bench.bury("a")

    assert (await postroom("replay", DEAD, "--kind", "sms.send")).exit_code == 1
    assert (await postroom("show", DEAD, "--kind", "sms.send")).exit_code == 1
    await bench.has(DEAD, 1)


async def test_show_tells_what_the_history_knows(
    bench: Bench, postroom: Postroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.bury("m-1")
    lines = [{"at": "2026-11-25T14:00:00+00:00", "what": "try 1 of 5 failed", "error": "Refused: 550"}]
    asked: list[tuple[str, ...]] = []

    def ask(*arguments: str) -> list[dict[str, Any]]:
        asked.append(arguments)
        return [{"message_id": "m-1", "lines": lines}, {"message_id": "m-2", "lines": [{"what": "of another"}]}]

    monkeypatch.setattr(dead_timeline, "_is_kept", lambda: True)
    monkeypatch.setattr(dead_timeline, "ask_service", ask)

    text = (await postroom("show", DEAD, "--id", "m-1")).stdout
    [shown] = json.loads((await postroom("show", DEAD, "--id", "m-1", "--json")).stdout)

    assert asked[0] == ("audit", "show", "m-1")
    assert "2026-11-25 14:00:00 UTC  try 1 of 5 failed (Refused: 550)" in text
    assert shown["timeline"] == lines


async def test_show_does_without_a_history(bench: Bench, postroom: Postroom, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.bury("m-1")

    def nobody(*_arguments: str) -> None:
        raise ConfigurationError("the audit service cannot be asked")

    monkeypatch.setattr(dead_timeline, "_is_kept", lambda: True)
    monkeypatch.setattr(dead_timeline, "ask_service", nobody)

    result = await postroom("show", DEAD, "--id", "m-1")

    assert result.exit_code == 0
    assert "timeline" not in result.stdout


async def test_list_without_dead_letters_says_so(bench: Bench, postroom: Postroom) -> None:
    result = await postroom("list")

    assert (result.exit_code, result.stdout.strip()) == (0, "No dead letters.")


async def test_show_masks_the_body_unless_asked(bench: Bench, postroom: Postroom) -> None:
    await bench.bury("m-1", body=json.dumps({"to": "ada@example.com", "password": SECRET}).encode())

    masked = await postroom("show", DEAD, "--id", "m-1")
    whole = await postroom("show", DEAD, "--id", "m-1", "--unmasked")

    assert "ada@example.com" not in masked.stdout
    assert SECRET not in masked.stdout
    assert "550 no such user" in masked.stdout
    assert "ada@example.com" in whole.stdout
    assert SECRET in whole.stdout


async def test_show_as_json_has_headers_and_error(bench: Bench, postroom: Postroom) -> None:
    await bench.bury("m-1", headers={wire.X_REPLAYS: 2, "note": "call ada@example.com", "x-api-key": SECRET})

    result = await postroom("show", DEAD, "--json")
    [shown] = json.loads(result.stdout)
    table = (await postroom("show", DEAD)).stdout

    assert (shown["id"], shown["kind"], shown["error_type"], shown["replays"]) == (
        "m-1", WORK, "RecipientRefused", 2,
    )  # fmt: skip
    assert shown["headers"]["x-failed-at"]
    for text in (result.stdout, table):
        assert "ada@" not in text
        assert SECRET not in text
    assert SECRET in (await postroom("show", DEAD, "--unmasked")).stdout


async def test_a_message_without_id_is_named_by_its_content(vhost: Any, bench: Bench, postroom: Postroom) -> None:
    # The client library gives every message an id; the management API, like clients in other languages, does not.
    publish = f"{vhost.management_url}/api/exchanges/{vhost.name}/amq.default/publish"
    async with httpx.AsyncClient(auth=(vhost.user, vhost.password), trust_env=False) as http:
        for body in ("first", "second"):
            message = {"properties": {}, "routing_key": DEAD, "payload": body, "payload_encoding": "string"}
            (await http.post(publish, json=message)).raise_for_status()
    shown = json.loads((await postroom("show", DEAD, "--json")).stdout)
    second = next(one["id"] for one in shown if one["body"] == "second")

    result = await postroom("replay", DEAD, "--id", second)

    assert second.startswith("content:")
    assert result.exit_code == 0
    assert [message.body for message in await bench.drain(WORK)] == [b"second"]


async def test_show_of_an_absent_message_is_a_problem(bench: Bench, postroom: Postroom) -> None:
    await bench.bury("m-1")

    result = await postroom("show", DEAD, "--id", "m-2")

    assert result.exit_code == 1
    assert "none of the 1 messages" in result.stderr


async def test_replay_tells_what_it_did(bench: Bench, postroom: Postroom) -> None:
    await bench.bury("m-1", "m-2", "m-3")

    result = await postroom("replay", DEAD, "--id", "m-1", "--id", "m-3")

    assert result.exit_code == 0
    assert "2 of 3 replayed" in result.stdout
    assert "1 not selected" in result.stdout
    assert sorted(await bench.ids(WORK)) == ["m-1", "m-3"]


async def test_replay_as_json(bench: Bench, postroom: Postroom) -> None:
    await bench.bury("m-1")

    result = await postroom("replay", DEAD, "--all", "--yes", "--json")

    told = json.loads(result.stdout)
    assert (told["queue"], told["waiting"], told["settled"], told["problem"]) == (DEAD, 1, 1, "")


async def test_an_absent_id_is_a_problem(bench: Bench, postroom: Postroom) -> None:
    await bench.bury("m-1")

    result = await postroom("replay", DEAD, "--id", "m-1", "--id", "nobody")

    assert result.exit_code == 1
    assert "1 of the given ids is not in email.send.dead" in result.stderr
    assert await bench.ids(WORK) == ["m-1"]


async def test_many_are_not_replayed_without_being_asked(bench: Bench, postroom: Postroom) -> None:
    await bench.bury(*(f"m-{number}" for number in range(10)))

    refused = await postroom("replay", DEAD, "--all")

    assert refused.exit_code == 2
    assert "Replay 10 messages of email.send.dead?" in refused.stderr
    assert "--yes" in refused.stderr
    await bench.has(DEAD, 10)
    assert (await postroom("replay", DEAD, "--all", "--yes")).exit_code == 0
    await bench.has(WORK, 10)


@pytest.mark.parametrize("command", [("replay",), ("discard", "--reason", "old")])
async def test_what_dies_while_a_person_is_asked_is_not_part_of_the_answer(
    bench: Bench, postroom: Postroom, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    await bench.bury(*(f"old-{number}" for number in range(12)))
    loop = asyncio.get_running_loop()

    def yes(question: str, *, as_json: bool) -> None:
        assert "12 messages of email.send.dead" in question
        burial = bench.bury(*(f"new-{number}" for number in range(30)))
        asyncio.run_coroutine_threadsafe(burial, loop).result(20)

    monkeypatch.setattr(dead_running, "_confirm", yes)

    result = await postroom(command[0], DEAD, "--all", *command[1:])

    assert "12 of 12" in result.stdout, result.output
    assert {one.partition("-")[0] for one in await bench.ids(DEAD)} == {"new"}


@pytest.mark.parametrize("command", [("replay",), ("discard", "--reason", "old")])
async def test_a_queue_that_looks_empty_is_no_consent(
    bench: Bench, postroom: Postroom, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    await bench.bury(*(f"m-{number}" for number in range(12)))

    async def held_by_another_reader(*_arguments: Any) -> int:
        return 0

    monkeypatch.setattr(dead_running, "depth_of", held_by_another_reader)

    result = await postroom(command[0], DEAD, "--all", *command[1:])

    assert "0 of 0" in result.stdout
    assert "somebody else is reading now cannot be seen" in result.stderr
    await bench.has(DEAD, 12)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--all",), "Discard for good 2 messages of email.send.dead?"),
        (("--id", "m-1"), "Discard for good those of 1 given id among 2 messages of email.send.dead?"),
        (("--group", "x"), "Discard for good those of group x among 2 messages of email.send.dead?"),
        (("--kind", "x", "--id", "m-1"), "Discard for good those selected among 2 messages of email.send.dead?"),
    ],
)
async def test_the_question_says_what_is_meant(
    bench: Bench, postroom: Postroom, options: tuple[str, ...], words: str
) -> None:
    await bench.bury("m-1", "m-2")

    assert words in (await postroom("discard", DEAD, *options, "--reason", "old")).stderr


@pytest.mark.parametrize(
    "command", [("replay", "--all", "--yes"), ("discard", "--all", "--yes", "--reason", "old"), ("export", "-")]
)
async def test_what_another_reader_keeps_is_told_and_ends_with_1(
    bench: Bench, postroom: Postroom, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    await bench.bury("m-1", "m-2")
    count = selection.depth_of

    async def counted(*arguments: Any) -> int:
        return await count(*arguments) + 3

    monkeypatch.setattr(selection, "depth_of", counted)
    monkeypatch.setattr(reading, "PATIENCE_SECONDS", 0.1)

    result = await postroom(command[0], DEAD, *command[1:])

    assert result.exit_code == 1
    assert "only 2 of 5 messages of email.send.dead came" in result.stderr


async def test_a_dry_run_asks_nothing_and_moves_nothing(bench: Bench, postroom: Postroom) -> None:
    await bench.bury(*(f"m-{number}" for number in range(15)))

    result = await postroom("replay", DEAD, "--all", "--dry-run")

    assert "15 of 15 would be replayed" in result.stdout
    await bench.has(WORK, 0)


@pytest.mark.parametrize("arguments", [(), ("--all", "--id", "m-1"), ("--all", "--group", "x")])
async def test_which_messages_must_be_said(bench: Bench, postroom: Postroom, arguments: tuple[str, ...]) -> None:
    result = await postroom("replay", DEAD, *arguments)

    assert result.exit_code == 2
    assert "--all" in result.stderr


@pytest.mark.parametrize("rate", ["0", "-3", "nan", "0.01"])
async def test_a_rate_that_means_nothing_is_refused(bench: Bench, postroom: Postroom, rate: str) -> None:
    result = await postroom("replay", DEAD, "--all", "--rate", rate)

    assert result.exit_code == 2
    assert "--rate" in result.stderr


async def test_a_work_queue_is_not_replayed(bench: Bench, postroom: Postroom) -> None:
    result = await postroom("replay", WORK, "--all", "--yes")

    assert result.exit_code == 2
    assert "did you mean email.send.dead?" in result.stderr


async def test_a_misspelt_queue_is_answered_with_the_one_that_was_meant(bench: Bench, postroom: Postroom) -> None:
    result = await postroom("replay", "email.sned.dead", "--all", "--yes")

    assert result.exit_code == 1
    assert "did you mean email.send.dead?" in result.stderr


async def test_discard_needs_a_reason_and_a_yes(bench: Bench, postroom: Postroom) -> None:
    await bench.bury("m-1")

    assert (await postroom("discard", DEAD, "--all", "--yes")).exit_code == 2
    assert (await postroom("discard", DEAD, "--all", "--yes", "--reason", " ")).exit_code == 2
    assert "--yes" in (await postroom("discard", DEAD, "--all", "--reason", "old")).stderr
    await bench.has(DEAD, 1)


async def test_discard_deletes_and_says_so(bench: Bench, postroom: Postroom) -> None:
    await bench.bury("m-1", "m-2")

    result = await postroom("discard", DEAD, "--id", "m-2", "--yes", "--reason", "wrong list")

    assert "1 of 2 discarded" in result.stdout
    assert await bench.ids(DEAD) == ["m-1"]


async def test_without_a_broker_the_exit_code_tells(postroom: Postroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_AMQP_URL", f"amqp://user:{SECRET}@127.0.0.1:1/")

    result = await postroom("show", DEAD)

    assert result.exit_code == 3
    assert "no broker at amqp://127.0.0.1:1/" in result.stderr
    assert SECRET not in result.output


@pytest.mark.parametrize("command", ["list", "show", "replay", "discard", "export", "import"])
async def test_the_help_has_an_example(postroom: Postroom, command: str) -> None:
    result = await postroom(command, "--help")

    assert "Example" in result.stdout
    assert f"postroom dead {command}" in result.stdout
