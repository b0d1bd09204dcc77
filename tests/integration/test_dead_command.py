"""`postroom dead` as a person and a script use it."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postroom import wire
from postroom.operator.cli import dead_running
from postroom.operator.dead_letters import selection
from tests.support.dead_letters import DEAD, WORK, DeadCommand, DeadLetterHarness, impatient_after
from tests.support.patience import REACTION, seconds

SECRET = "canary-4711"


def ago(**span: float) -> dict[str, str]:
    return {wire.X_FAILED_AT: (datetime.now(UTC) - timedelta(**span)).isoformat()}


SELECTIONS = {
    "an error": (("--error", "MAILBOX full"), {"b", "c"}),
    "since when": (("--since", "THEN"), {"a"}),
    "a type and an age": (("--error-type", "Refused", "--older-than", "90m"), {"b"}),
    "an id and a kind": (("--id", "a", "--id", "c", "--kind", "user.created"), {"c"}),
}


@pytest.mark.parametrize(("given", "meant"), SELECTIONS.values(), ids=SELECTIONS)
async def test_every_command_means_the_same_messages(
    dead_harness: DeadLetterHarness, dead: DeadCommand, given: tuple[str, ...], meant: set[str]
) -> None:
    then = ago(hours=1.5)[wire.X_FAILED_AT]
    options = [then if each == "THEN" else each for each in given]
    await dead_harness.bury("a", error="550 no such user", headers={wire.X_ERROR_TYPE: "Refused", **ago(hours=1)})
    await dead_harness.bury("b", error="Mailbox full", headers={wire.X_ERROR_TYPE: "Refused", **ago(hours=2)})
    other = {wire.X_ERROR_TYPE: "Deferred", wire.X_ROUTING_KEY: "user.created", **ago(hours=3)}
    await dead_harness.bury("c", error="mailbox full", headers=other)

    listed = json.loads((await dead("list", *options, "--json")).stdout)
    shown = json.loads((await dead("show", DEAD, *options, "--json")).stdout)
    exported = (await dead("export", DEAD, "-", *options)).stdout.splitlines()
    counted = json.loads((await dead("discard", DEAD, *options, "--reason", "x", "--dry-run", "--json")).stdout)
    await dead("replay", DEAD, *options, "--yes")

    assert {one for queue in listed for group in queue["groups"] for one in group["sample_ids"]} == meant
    assert {one["id"] for one in shown} == meant
    assert {json.loads(line)["id"] for line in exported} == meant
    assert counted["settled"] == len(meant)
    assert set(await dead_harness.ids(WORK)) == meant
    assert set(await dead_harness.ids(DEAD)) == {"a", "b", "c"} - meant


@pytest.mark.parametrize(
    "options",
    [
        ("--since", "yesterday"),
        ("--until", "x"),
        ("--older-than", "2 moons"),
        ("--older-than", "1h", "--until", "2026-01-01"),
    ],
)
async def test_a_time_that_means_nothing_is_refused(
    dead_harness: DeadLetterHarness, dead: DeadCommand, options: tuple[str, ...]
) -> None:
    result = await dead("show", DEAD, *options)

    assert result.exit_code == 2
    assert options[0] in result.stderr


async def test_a_selection_that_fits_nothing_is_a_problem(dead_harness: DeadLetterHarness, dead: DeadCommand) -> None:
    await dead_harness.bury("a")

    assert (await dead("replay", DEAD, "--kind", "sms.send")).exit_code == 1
    assert (await dead("show", DEAD, "--kind", "sms.send")).exit_code == 1
    await dead_harness.has(DEAD, 1)


async def test_replay_tells_what_it_did(dead_harness: DeadLetterHarness, dead: DeadCommand) -> None:
    await dead_harness.bury("m-1", "m-2", "m-3")

    result = await dead("replay", DEAD, "--id", "m-1", "--id", "m-3")

    assert result.exit_code == 0
    assert "2 of 3 replayed" in result.stdout
    assert "1 not selected" in result.stdout
    assert sorted(await dead_harness.ids(WORK)) == ["m-1", "m-3"]


async def test_replay_as_json(dead_harness: DeadLetterHarness, dead: DeadCommand) -> None:
    await dead_harness.bury("m-1")

    result = await dead("replay", DEAD, "--all", "--yes", "--json")

    told = json.loads(result.stdout)
    assert (told["queue"], told["waiting"], told["settled"], told["problem"]) == (DEAD, 1, 1, "")


async def test_an_absent_id_is_a_problem(dead_harness: DeadLetterHarness, dead: DeadCommand) -> None:
    await dead_harness.bury("m-1")

    result = await dead("replay", DEAD, "--id", "m-1", "--id", "nobody")

    assert result.exit_code == 1
    assert "1 of the given ids is not in email.send.dead" in result.stderr
    assert await dead_harness.ids(WORK) == ["m-1"]


async def test_many_are_not_replayed_without_being_asked(dead_harness: DeadLetterHarness, dead: DeadCommand) -> None:
    await dead_harness.bury(*(f"m-{number}" for number in range(10)))

    refused = await dead("replay", DEAD, "--all")

    assert refused.exit_code == 2
    assert "Replay 10 messages of email.send.dead?" in refused.stderr
    assert "--yes" in refused.stderr
    await dead_harness.has(DEAD, 10)
    assert (await dead("replay", DEAD, "--all", "--yes")).exit_code == 0
    await dead_harness.has(WORK, 10)


@pytest.mark.parametrize("command", [("replay",), ("discard", "--reason", "old")])
async def test_what_dies_while_a_person_is_asked_is_not_part_of_the_answer(
    dead_harness: DeadLetterHarness, dead: DeadCommand, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    await dead_harness.bury(*(f"old-{number}" for number in range(12)))
    loop = asyncio.get_running_loop()

    def yes(question: str, *, as_json: bool) -> None:
        assert "12 messages of email.send.dead" in question
        burial = dead_harness.bury(*(f"new-{number}" for number in range(30)))
        asyncio.run_coroutine_threadsafe(burial, loop).result(seconds(REACTION))

    monkeypatch.setattr(dead_running, "_confirm", yes)

    result = await dead(command[0], DEAD, "--all", *command[1:])

    assert "12 of 12" in result.stdout, result.output
    assert {one.partition("-")[0] for one in await dead_harness.ids(DEAD)} == {"new"}


@pytest.mark.parametrize("command", [("replay",), ("discard", "--reason", "old")])
async def test_a_queue_that_looks_empty_is_no_consent(
    dead_harness: DeadLetterHarness, dead: DeadCommand, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    await dead_harness.bury(*(f"m-{number}" for number in range(12)))

    async def held_by_another_reader(*_arguments: Any) -> int:
        return 0

    monkeypatch.setattr(dead_running, "depth_of", held_by_another_reader)

    result = await dead(command[0], DEAD, "--all", *command[1:])

    assert "0 of 0" in result.stdout
    assert "somebody else is reading now cannot be seen" in result.stderr
    await dead_harness.has(DEAD, 12)


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
    dead_harness: DeadLetterHarness, dead: DeadCommand, options: tuple[str, ...], words: str
) -> None:
    await dead_harness.bury("m-1", "m-2")

    assert words in (await dead("discard", DEAD, *options, "--reason", "old")).stderr


@pytest.mark.parametrize(
    "command", [("replay", "--all", "--yes"), ("discard", "--all", "--yes", "--reason", "old"), ("export", "-")]
)
async def test_what_another_reader_keeps_is_told_and_ends_with_1(
    dead_harness: DeadLetterHarness, dead: DeadCommand, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    await dead_harness.bury("m-1", "m-2")
    count = selection.depth_of

    async def counted(*arguments: Any) -> int:
        return await count(*arguments) + 3

    monkeypatch.setattr(selection, "depth_of", counted)
    impatient_after(monkeypatch, 2)

    result = await dead(command[0], DEAD, *command[1:])

    assert result.exit_code == 1
    assert "only 2 of 5 messages of email.send.dead came" in result.stderr


async def test_a_dry_run_asks_nothing_and_moves_nothing(dead_harness: DeadLetterHarness, dead: DeadCommand) -> None:
    await dead_harness.bury(*(f"m-{number}" for number in range(15)))

    result = await dead("replay", DEAD, "--all", "--dry-run")

    assert "15 of 15 would be replayed" in result.stdout
    await dead_harness.has(WORK, 0)


@pytest.mark.parametrize("arguments", [(), ("--all", "--id", "m-1"), ("--all", "--group", "x")])
async def test_which_messages_must_be_said(
    dead_harness: DeadLetterHarness, dead: DeadCommand, arguments: tuple[str, ...]
) -> None:
    result = await dead("replay", DEAD, *arguments)

    assert result.exit_code == 2
    assert "--all" in result.stderr


@pytest.mark.parametrize("rate", ["0", "-3", "nan", "0.01"])
async def test_a_rate_that_means_nothing_is_refused(
    dead_harness: DeadLetterHarness, dead: DeadCommand, rate: str
) -> None:
    result = await dead("replay", DEAD, "--all", "--rate", rate)

    assert result.exit_code == 2
    assert "--rate" in result.stderr


async def test_a_work_queue_is_not_replayed(dead_harness: DeadLetterHarness, dead: DeadCommand) -> None:
    result = await dead("replay", WORK, "--all", "--yes")

    assert result.exit_code == 2
    assert "did you mean email.send.dead?" in result.stderr


async def test_a_misspelt_queue_is_answered_with_the_one_that_was_meant(
    dead_harness: DeadLetterHarness, dead: DeadCommand
) -> None:
    result = await dead("replay", "email.sned.dead", "--all", "--yes")

    assert result.exit_code == 1
    assert "did you mean email.send.dead?" in result.stderr


async def test_discard_needs_a_reason_and_a_yes(dead_harness: DeadLetterHarness, dead: DeadCommand) -> None:
    await dead_harness.bury("m-1")

    assert (await dead("discard", DEAD, "--all", "--yes")).exit_code == 2
    assert (await dead("discard", DEAD, "--all", "--yes", "--reason", " ")).exit_code == 2
    assert "--yes" in (await dead("discard", DEAD, "--all", "--reason", "old")).stderr
    await dead_harness.has(DEAD, 1)


async def test_discard_deletes_and_says_so(dead_harness: DeadLetterHarness, dead: DeadCommand) -> None:
    await dead_harness.bury("m-1", "m-2")

    result = await dead("discard", DEAD, "--id", "m-2", "--yes", "--reason", "wrong list")

    assert "1 of 2 discarded" in result.stdout
    assert await dead_harness.ids(DEAD) == ["m-1"]


async def test_without_a_broker_the_exit_code_tells(dead: DeadCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTROOM_AMQP_URL", f"amqp://user:{SECRET}@127.0.0.1:1/")

    result = await dead("show", DEAD)

    assert result.exit_code == 3
    assert "no broker at amqp://127.0.0.1:1/" in result.stderr
    assert SECRET not in result.output


@pytest.mark.parametrize("command", ["list", "show", "replay", "discard", "export", "import"])
async def test_the_help_has_an_example(dead: DeadCommand, command: str) -> None:
    result = await dead(command, "--help")

    assert "Example" in result.stdout
    assert f"postroom dead {command}" in result.stdout
