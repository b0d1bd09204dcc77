"""`postroom dead replay --edit` and `--body`: a dead letter is changed before it goes back."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

from shared.cli.dead_running import run_against
from shared.cli.output import ExitCode, complain, note
from shared.dead_letters import Edit, Found, Selection, Target, connect, depth_of, read_letters
from shared.dead_letters.editing import as_body, as_text, problem_of
from shared.errors import ConfigurationError


def edit_by_hand(target: Target, message_id: str) -> Edit:
    """The edit that a person makes in an editor, again until the body fits its contract. Ends the program otherwise."""
    found = _one(target, message_id)
    text, body = as_text(found.message.body), found.message.body
    while True:
        edited = _in_editor(text)
        if as_body(edited) == as_body(as_text(found.message.body)):
            note("nothing was changed, nothing is replayed; without --edit it is replayed as it is")
            raise typer.Exit(ExitCode.PROBLEMS)
        text, body = edited, as_body(edited)
        problem = problem_of(body, found, target)
        if not problem:
            return Edit(found.id, found.message.body, body)
        complain(problem)
        if not typer.confirm("Edit again?", default=True, err=True):
            raise typer.Exit(ExitCode.PROBLEMS)


def edit_by_file(target: Target, message_id: str, file: Path) -> Edit:
    """The edit that puts the content of `file` (`-` for standard input) in place. Raises ConfigurationError."""
    found = _one(target, message_id)
    body = sys.stdin.buffer.read() if file == Path("-") else _content(file)
    problem = problem_of(body, found, target)
    if problem:
        raise ConfigurationError(f"its service would not take it: {problem}")
    return Edit(found.id, found.message.body, body)


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


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}") from None


def _one(target: Target, message_id: str) -> Found:
    found = run_against(target, lambda url: _find(url, target, message_id))
    if found is None:
        note(f"{message_id} is not in {target.source}")
        raise typer.Exit(ExitCode.PROBLEMS)
    return found


async def _find(url: str, target: Target, message_id: str) -> Found | None:
    """The last of those with that id: where several died, it is the newest death."""
    selection = Selection(frozenset({message_id}))
    async with connect(url) as connection:
        waiting = await depth_of(connection, target.source)
        found = [one async for one in read_letters(connection, target, waiting) if selection.takes(one)]
    return found[-1] if found else None
