"""`postroom dead export` and `import`: dead letters in a file."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from postroom.operator.cli.dead_options import Queue, selecting
from postroom.operator.cli.dead_running import EXIT_STOPPED, progress_of, run_against, until_stopped, url_of
from postroom.operator.dead_letters import Selection, export, import_lines, target_of
from postroom.settings import RuntimeSettings, read_settings
from postroom.terminal import AsJson, ExitCode, complain, note, out, print_json
from postroom.wire.errors import ConfigurationError


@selecting
def export_command(
    queue: Queue,
    file: Annotated[Path, typer.Argument(help="A new file; `-` is the standard output.")],
    selection: Selection,
) -> None:
    """Write dead letters to a file, one JSON object a line, whole: body, properties, headers. They stay in the queue.

    **Nothing in it is masked**: addresses, numbers, secrets. Only you can read the file. `import` puts it back.

    Example:  postroom dead export email.send.dead email.jsonl

    Example:  postroom dead export email.send.dead - --older-than 30d | gzip > old.jsonl.gz
    """
    target = target_of(queue)
    with _new_file(file) as lines:
        with progress_of("Exporting", quiet=file == Path("-")) as control:
            outcome = run_against(
                target,
                lambda url: until_stopped(control, export(url, target, selection, write=lines.write, control=control)),
            )
        if outcome.problem:
            complain(f"{outcome.problem}; no file is left" if file != Path("-") else outcome.problem)
            raise typer.Exit(ExitCode.PROBLEMS)
        if outcome.is_stopped:
            note("stopped; no file is left")
            raise typer.Exit(EXIT_STOPPED)
    note(f"{queue}: {outcome.settled} of {outcome.waiting} written, unmasked; they are still in the queue")


def import_command(
    file: Annotated[Path, typer.Argument(help="What `export` wrote.")],
    as_json: AsJson = False,
) -> None:
    """Put exported dead letters back into the queues of dead letters they were in, with the same ids.

    A message whose id is in its queue already is left out, so that importing twice doubles nothing. Every line is
    checked before the first message goes. Let nobody else read the queues meanwhile.

    Example:  postroom dead import email.jsonl
    """
    results = asyncio.run(import_lines(url_of(read_settings(RuntimeSettings)), file))
    if as_json:
        print_json([result.to_json() for result in results])
    for result in [] if as_json else results:
        out.print(f"{result.queue}: {result.restored} imported", highlight=False, markup=False)
        if result.skipped:
            note(f"{result.skipped} left out: their ids are in {result.queue} already")
    for result in results:
        if result.problem:
            complain(f"{result.queue}: {result.problem}")
    if any(result.problem for result in results):
        raise typer.Exit(ExitCode.PROBLEMS)


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """A file that only its owner can read, and that has its name once it is complete."""
    if path == Path("-"):
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if path.exists():
        raise ConfigurationError(f"{path} is there already")
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise ConfigurationError(f"{unfinished}: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)  # also where an earlier one was left
            yield file
            file.flush()
            os.fsync(descriptor)
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)
