"""One run of a command over a queue of dead letters: asking first, a bar meanwhile, telling at the end."""

import asyncio
import difflib
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from postroom.operator.cli.dead_views import print_outcome
from postroom.operator.dead_letters import ReplayTarget, RunControl, RunOutcome, Selection, connect, depth_of
from postroom.settings import RuntimeSettings, read_settings
from postroom.terminal import ExitCode, err, print_json
from postroom.wire.errors import ConfigurationError, ManagementError, PostroomError, TopologyError

MANY = 10
"""From this number on a command asks before it acts."""

EXIT_STOPPED = 130  # what shells expect of a program that Ctrl-C ended

Result = TypeVar("Result")


def url_of(settings: RuntimeSettings) -> str:
    """The broker's."""
    return settings.amqp_url.get_secret_value()


def run_against(target: ReplayTarget, work: Callable[[str], Awaitable[Result]]) -> Result:
    """The result of `work`, which is given the broker's URL. A misspelt queue is answered with one that is there."""
    settings = read_settings(RuntimeSettings)

    async def run() -> Result:
        return await work(url_of(settings))

    try:
        return asyncio.run(run())
    except TopologyError as error:
        raise _with_suggestion(error, target, settings) from None


def _with_suggestion(error: TopologyError, target: ReplayTarget, settings: RuntimeSettings) -> PostroomError:
    """`error`, with the queue that was probably meant."""
    # An HTTP client takes 0.1 s to load, which only this asks for.
    from postroom.operator.cli.dead_queues import queues_of_dead_letters  # noqa: PLC0415

    try:
        names = queues_of_dead_letters(settings)
    except ManagementError:
        return error
    similar = difflib.get_close_matches(target.source, names, n=1)
    if target.source in names or not similar:
        return error
    return TopologyError(f"there is no queue {target.source}; did you mean {similar[0]}?")


def ask(
    verb: str, target: ReplayTarget, selection: Selection, *, yes: bool, as_json: bool, even_one: bool = False
) -> Selection:
    """Ask a person before many messages are touched; a program must have said --yes.

    What comes back is what was agreed to: `selection` among the messages that were counted for the question.
    """
    if yes:
        return selection
    waiting = run_against(target, lambda url: _waiting(url, target))
    at_most = min(len(selection.ids), waiting) if selection.ids else waiting
    if at_most >= MANY or (waiting and even_one):
        which = f"{_words(selection)}{waiting} message{'s' if waiting != 1 else ''} of {target.source}"
        _confirm(f"{verb} {which}?", as_json=as_json)
    return replace(selection, among=waiting)


def _confirm(question: str, *, as_json: bool) -> None:
    if as_json or not sys.stdin.isatty():
        raise ConfigurationError(f"{question} There is nobody to ask: add --yes")
    if not typer.confirm(question, err=True):
        raise typer.Exit(ExitCode.PROBLEMS)


def _words(selection: Selection) -> str:
    if selection.is_all:
        return ""
    if selection == Selection(group=selection.group):
        return f"those of group {selection.group} among "
    if selection == Selection(ids=selection.ids):
        return f"those of {len(selection.ids)} given id{'s' if len(selection.ids) != 1 else ''} among "
    return "those selected among "


async def _waiting(url: str, target: ReplayTarget) -> int:
    async with connect(url) as connection:
        return await depth_of(connection, target.source)


async def until_stopped(control: RunControl, work: Awaitable[RunOutcome]) -> RunOutcome:
    """The outcome of `work`, which Ctrl-C ends between two messages."""
    if threading.current_thread() is threading.main_thread():  # the only one that gets signals
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, control.stop.set)
    return await work


@contextmanager
def progress_of(what: str, *, quiet: bool) -> Iterator[RunControl]:
    """A bar on stderr while the block runs, if a person is there to see it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield RunControl(
            progressed=lambda outcome: progress.update(task, completed=outcome.examined, total=outcome.waiting)
        )


def finish(outcome: RunOutcome, selection: Selection, *, done: str, as_json: bool) -> None:
    """Tell what became of it, and end with the exit code for that."""
    is_by_id = selection == Selection(ids=selection.ids) and not outcome.is_stopped and not outcome.problem
    missing = max(0, len(selection.ids) - outcome.settled - outcome.refused.total()) if is_by_id else 0
    if as_json:
        print_json(outcome.to_json())
    else:
        print_outcome(outcome, done=done, missing=missing)
    if outcome.is_stopped:
        raise typer.Exit(EXIT_STOPPED)
    found_none = not selection.is_all and not outcome.settled
    if outcome.problem or outcome.refused or missing or found_none:
        raise typer.Exit(ExitCode.PROBLEMS)
