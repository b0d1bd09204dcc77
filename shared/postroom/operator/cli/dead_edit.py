"""`postroom dead replay --edit` and `--body`: a dead letter is changed before it goes back."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

from postroom.operator.cli.dead_running import run_against
from postroom.operator.dead_letters import (
    Edit,
    QueuedDeadLetter,
    ReplayTarget,
    Selection,
    connect,
    depth_of,
    read_letters,
)
from postroom.operator.dead_letters.editing import as_body, as_text, is_same, problem_of
from postroom.terminal import ExitCode, complain, note
from postroom.wire.errors import ConfigurationError


def edit_of(target: ReplayTarget, selection: Selection, *, file: Path | None, by_hand: bool) -> Edit:
    """The change of the one message that is meant; by hand, or to the content of `file` (`-` is standard input).

    Raises ConfigurationError. Ends the program when there is no such message, or nothing was changed.
    """
    if file and by_hand:
        raise ConfigurationError("--edit, --body: one of them")
    if len(selection.ids) != 1:
        raise ConfigurationError("--edit, --body: of one message; name it with --id")
    found = _one(target, selection)
    old, new = found.message.body, _body_of(file) if file else _edited(found, target)
    if is_same(old, new):
        option = "--body" if file else "--edit"
        note(f"nothing was changed, nothing is replayed; without {option} it is replayed as it is")
        raise typer.Exit(ExitCode.PROBLEMS)
    if problem := problem_of(new, found, target):
        raise ConfigurationError(f"its service would not take it: {problem}")
    return Edit(found.id, old, new)


def _edited(found: QueuedDeadLetter, target: ReplayTarget) -> bytes:
    """The body as a person leaves it in an editor, who may go on until it fits its contract."""
    text = as_text(found.message.body)
    while True:
        text = _in_editor(text)
        body = as_body(text)
        problem = "" if is_same(found.message.body, body) else problem_of(body, found, target)
        if not problem:
            return body
        complain(problem)
        if not typer.confirm("Edit again?", default=True, err=True):
            raise typer.Exit(ExitCode.PROBLEMS)


def _in_editor(text: str) -> str:
    """The text as the person leaves it. It is unmasked: the file is in a folder of our own, and gone afterwards."""
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with TemporaryDirectory(prefix="postroom-") as folder:  # which nobody else may enter
        path = Path(folder) / "body.json"
        path.touch(mode=0o600)
        path.write_text(text)
        try:
            subprocess.run([*editor, str(path)], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise ConfigurationError(f"{editor[0]} cannot be used: {error}; set VISUAL or EDITOR") from None
        return path.read_text(errors="replace")


def _body_of(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == Path("-") else file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}") from None


def _one(target: ReplayTarget, selection: Selection) -> QueuedDeadLetter:
    found = run_against(target, lambda url: _find(url, target, selection))
    if found is None:
        (message_id,) = selection.ids
        or_else = "" if selection == Selection(ids=selection.ids) else ", or is not what the other options say"
        note(f"{message_id} is not in {target.source}{or_else}")
        raise typer.Exit(ExitCode.PROBLEMS)
    return found


async def _find(url: str, target: ReplayTarget, selection: Selection) -> QueuedDeadLetter | None:
    """The last of those that are meant: where several died with one id, it is the newest death."""
    async with connect(url) as connection:
        waiting = await depth_of(connection, target.source)
        found = [one async for one in read_letters(connection, target, waiting) if selection.takes(one)]
    return found[-1] if found else None
