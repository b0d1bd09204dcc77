"""A dead letter is changed before it is replayed: by a file, or in an editor."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from postroom import wire
from tests.support.dead_letters import (
    DEAD,
    QUORUM,
    WORK,
    DeadCommand,
    DeadLetterHarness,
    receive_replay_events,
    replay_events,
)

MAIL = {"to": "ada@example.com", "subject": "Hi", "body": "there"}


@pytest.fixture
async def dead_harness(dead_harness: DeadLetterHarness) -> DeadLetterHarness:
    return await receive_replay_events(dead_harness)


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """An editor that does one `sed` each time it is opened, and writes down what it was given, and its mode."""

    def set_up(*scripts: str) -> Path:
        seen = tmp_path / "seen"
        seen.mkdir()
        (tmp_path / "scripts").write_text("\n".join(scripts) + "\n")
        program = tmp_path / "editor"
        program.write_text(
            "#!/bin/sh\n"
            f'round=$(ls {seen} | grep -c body); cp -p "$1" {seen}/body-$round; echo "$1" > {seen}/path\n'
            f'sed -i "$(sed -n "$((round + 1))p" {tmp_path}/scripts)" "$1"\n'
        )
        program.chmod(0o700)
        monkeypatch.setenv("VISUAL", str(program))
        return seen

    return set_up


async def test_a_changed_body_is_replayed_under_the_same_id_and_the_old_one_is_told_masked(
    dead_harness: DeadLetterHarness, dead: DeadCommand, tmp_path: Path
) -> None:
    await dead_harness.bury("m-1", headers={"tenant": "a", wire.X_REPLAYS: 2}, correlation_id="c-1")
    await dead_harness.bury("m-2")
    file = tmp_path / "body.json"
    file.write_text(json.dumps(MAIL | {"to": "grace@example.com"}))

    result = await dead("replay", DEAD, "--id", "m-1", "--body", str(file))

    assert result.exit_code == 0, result.output
    [message] = await dead_harness.drain(WORK)
    assert json.loads(message.body)["to"] == "grace@example.com"
    assert (message.message_id, message.correlation_id) == ("m-1", "c-1")
    assert (message.headers["tenant"], message.headers[wire.X_REPLAYS]) == ("a", 2)
    assert wire.X_FAILED_AT in message.headers
    [event] = await replay_events(dead_harness)
    assert event.message_ids == ["m-1"]
    assert "ada@example.com" not in (event.was or "")
    assert json.loads(event.was or "")["subject"] == "Hi"
    assert await dead_harness.ids(DEAD) == ["m-2"]


@pytest.mark.parametrize("option", ["--body", "--edit"])
async def test_a_dry_run_of_a_change_checks_it_and_replays_nothing(
    dead_harness: DeadLetterHarness, dead: DeadCommand, editor: Any, option: str
) -> None:
    await dead_harness.bury("m-1")
    editor("s/Hi/Hello/")
    change = (option, "-") if option == "--body" else (option,)

    given = json.dumps(MAIL | {"subject": "Hello"})
    result = await dead("replay", DEAD, "--id", "m-1", *change, "--dry-run", given=given)

    assert "1 of 1 would be changed and replayed" in result.stdout
    assert await replay_events(dead_harness) == []
    await dead_harness.has(WORK, 0)
    await dead_harness.has(DEAD, 1)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("--kind", "sms.send"), 1), (("--group", "x"), 1), (("--all",), 2), (("--rate", "0"), 2), (("--edit",), 2)],
)
async def test_a_change_is_of_a_message_that_fits_all_that_is_said(
    dead_harness: DeadLetterHarness, dead: DeadCommand, arguments: tuple[str, ...], code: int
) -> None:
    await dead_harness.bury("m-1")

    given = json.dumps(MAIL | {"subject": "New"})
    result = await dead("replay", DEAD, "--id", "m-1", *arguments, "--body", "-", given=given)

    assert result.exit_code == code
    await dead_harness.has(DEAD, 1)


@pytest.mark.parametrize("indent", [None, 4])
async def test_a_file_that_changes_nothing_is_not_replayed(
    dead_harness: DeadLetterHarness, dead: DeadCommand, indent: int | None
) -> None:
    await dead_harness.bury("m-1")

    result = await dead("replay", DEAD, "--id", "m-1", "--body", "-", given=json.dumps(MAIL, indent=indent))

    assert result.exit_code == 1
    assert "nothing was changed" in result.stderr
    assert await replay_events(dead_harness) == []
    await dead_harness.has(DEAD, 1)


async def test_of_two_with_one_id_the_newest_is_changed_and_the_other_stays(
    dead_harness: DeadLetterHarness, dead: DeadCommand
) -> None:
    await dead_harness.bury("m-1", body=b'{"old": 1}')
    await dead_harness.bury("m-1", body=json.dumps(MAIL).encode())

    result = await dead("replay", DEAD, "--id", "m-1", "--body", "-", given=json.dumps(MAIL | {"subject": "New"}))

    assert result.exit_code == 0, result.output
    assert [json.loads(message.body)["subject"] for message in await dead_harness.drain(WORK)] == ["New"]
    assert [message.body for message in await dead_harness.drain(DEAD)] == [b'{"old": 1}']


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("{", "body: not JSON"),
        ("[]", "a JSON object is needed"),
        (json.dumps(MAIL | {"to": 7}), "to"),
        (json.dumps({"subject": "x" * 300_000}), "at most 262144"),
    ],
)
async def test_a_body_that_its_service_would_not_take_is_refused(
    dead_harness: DeadLetterHarness, dead: DeadCommand, body: str, problem: str
) -> None:
    await dead_harness.bury("m-1")

    result = await dead("replay", DEAD, "--id", "m-1", "--body", "-", given=body)

    assert result.exit_code == 2
    assert problem in result.stderr
    await dead_harness.has(DEAD, 1)


async def test_an_unknown_kind_takes_any_json_object(dead_harness: DeadLetterHarness, dead: DeadCommand) -> None:
    for queue in ("shop.pack", "shop.pack.dead"):
        await dead_harness.channel.declare_queue(queue, durable=True, arguments=QUORUM)
    await dead_harness.bury("m-1", queue="shop.pack.dead", headers={wire.X_ROUTING_KEY: "shop.pack"})

    refused = await dead("replay", "shop.pack.dead", "--id", "m-1", "--body", "-", given="7")
    taken = await dead("replay", "shop.pack.dead", "--id", "m-1", "--body", "-", given='{"n": 7}')

    assert (refused.exit_code, taken.exit_code) == (2, 0)
    assert [message.body for message in await dead_harness.drain("shop.pack")] == [b'{"n": 7}']


@pytest.mark.parametrize("arguments", [("--all",), ("--id", "a", "--id", "b"), ("--group", "x")])
async def test_only_one_message_can_be_changed(
    dead_harness: DeadLetterHarness, dead: DeadCommand, arguments: tuple[str, ...]
) -> None:
    result = await dead("replay", DEAD, *arguments, "--edit")

    assert result.exit_code == 2
    assert "--id" in result.stderr


async def test_a_message_that_is_not_there_cannot_be_changed(
    dead_harness: DeadLetterHarness, dead: DeadCommand
) -> None:
    result = await dead("replay", DEAD, "--id", "m-1", "--edit")

    assert result.exit_code == 1
    assert "m-1 is not in email.send.dead" in result.stderr


async def test_a_person_edits_until_the_body_fits(
    dead_harness: DeadLetterHarness, dead: DeadCommand, editor: Any
) -> None:
    await dead_harness.bury("m-1")
    seen = editor('s/"ada@example.com"/7/', 's/7/"grace@example.com"/')

    result = await dead("replay", DEAD, "--id", "m-1", "--edit", given="y\n")

    assert result.exit_code == 0, result.output
    assert "error: to" in result.stderr
    assert "Edit again?" in result.stderr
    assert '"to": 7' in (seen / "body-1").read_text()  # the second time with what was typed the first time
    assert [json.loads(message.body)["to"] for message in await dead_harness.drain(WORK)] == ["grace@example.com"]


async def test_the_file_in_the_editor_is_whole_readable_private_and_gone_afterwards(
    dead_harness: DeadLetterHarness, dead: DeadCommand, editor: Any
) -> None:
    await dead_harness.bury("m-1")
    seen = editor("s/Hi/Hello/")

    await dead("replay", DEAD, "--id", "m-1", "--edit")

    first = seen / "body-0"
    assert '\n  "to": "ada@example.com",\n' in first.read_text()
    assert first.stat().st_mode & 0o777 == 0o600
    path = (seen / "path").read_text().strip()
    assert not os.access(path, os.F_OK)
    assert not os.access(path.removesuffix("body.json"), os.F_OK)


async def test_an_unchanged_body_is_not_replayed(
    dead_harness: DeadLetterHarness, dead: DeadCommand, editor: Any
) -> None:
    await dead_harness.bury("m-1")
    editor("s/absent/x/")

    result = await dead("replay", DEAD, "--id", "m-1", "--edit")

    assert result.exit_code == 1
    assert "nothing was changed" in result.stderr
    await dead_harness.has(DEAD, 1)


async def test_a_person_may_give_up(dead_harness: DeadLetterHarness, dead: DeadCommand, editor: Any) -> None:
    await dead_harness.bury("m-1")
    editor("s/{/[/")

    result = await dead("replay", DEAD, "--id", "m-1", "--edit", given="n\n")

    assert result.exit_code == 1
    await dead_harness.has(DEAD, 1)
    await dead_harness.has(WORK, 0)


async def test_an_editor_that_is_not_there_is_named(
    dead_harness: DeadLetterHarness, dead: DeadCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    await dead_harness.bury("m-1")
    monkeypatch.setenv("VISUAL", "no-such-editor --wait")

    result = await dead("replay", DEAD, "--id", "m-1", "--edit")

    assert result.exit_code == 2
    assert "no-such-editor cannot be used" in result.stderr
