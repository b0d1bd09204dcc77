"""`postroom dead`: look at dead letters, replay them, discard them."""

import asyncio
import difflib
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Annotated, TypeVar

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from shared import wire
from shared.cli.dead_views import json_of_found, print_found, print_outcome, print_summaries
from shared.cli.output import AsJson, ExitCode, err, note, print_json
from shared.dead_letters import (
    Found,
    Outcome,
    Pace,
    QueueSummary,
    Selection,
    Target,
    Watch,
    connect,
    depth_of,
    discard,
    read_letters,
    replay,
    summarize,
    target_of,
)
from shared.errors import ConfigurationError, PostroomError, TopologyError
from shared.management import Management, ManagementError
from shared.settings import RuntimeSettings, read_settings

MANY = 10
"""From this number on a command asks before it acts."""

EXIT_STOPPED = 130  # what shells expect of a program that Ctrl-C ended

Result = TypeVar("Result")

app = typer.Typer(
    no_args_is_help=True,
    help="Messages that could not be processed: look at them, replay them, discard them.\n\n"
    "They wait in `<queue>.dead`, and jobs that no queue takes in `unrouted`. Looking never changes anything: what "
    "is read is given back. While a command reads a queue, its messages are out of sight of others.",
)

Queue = Annotated[str, typer.Argument(help="`email.send.dead`, or `unrouted`.")]
Ids = Annotated[list[str] | None, typer.Option("--id", help="Message id; may be given several times.")]
Group = Annotated[str | None, typer.Option("--group", help="All of one cause: the key that `dead list` shows.")]
All = Annotated[bool, typer.Option("--all", help="All messages that are in the queue now.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count; change nothing.")]


@app.command("list")
def list_command(
    queues: Annotated[list[str] | None, typer.Argument(help="Only these; by default all with dead letters.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Messages to read per queue.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """Show which queues hold dead letters, grouped by what they died of.

    Example:  postroom dead list

    Example:  postroom dead list email.send.dead --limit 20000 --json
    """
    settings = read_settings(RuntimeSettings)
    targets = [target_of(name) for name in (queues or _queues_of_dead_letters(settings))]
    summaries = asyncio.run(_summarize(_url(settings), targets, limit, keep_empty=bool(queues)))
    if as_json:
        print_json([summary.to_json() for summary in summaries])
    else:
        print_summaries(summaries)


@app.command("show")
def show_command(
    queue: Queue,
    ids: Ids = None,
    group: Group = None,
    unmasked: Annotated[
        bool, typer.Option("--unmasked", help="Show bodies as they are: addresses, numbers, secrets.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="Messages to show.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show dead letters whole: what they died of and when, their headers, their body.

    Addresses, numbers and secrets are masked unless --unmasked is given. Nothing is changed.

    Example:  postroom dead show email.send.dead --id 6f2c9a30

    Example:  postroom dead show email.send.dead --group 906753039c --limit 3
    """
    target = target_of(queue)
    selection = Selection(frozenset(ids or ()), group)
    found, waiting = _run(target, lambda url: _read(url, target, selection, limit))
    if as_json:
        print_json([json_of_found(one, unmasked=unmasked) for one in found])
    else:
        for one in found:
            print_found(one, unmasked=unmasked)
        if not ids and group is None and waiting > len(found):
            note(f"{waiting} messages are in {queue}; --limit {waiting} shows all")
    if not found and (ids or group):
        note(f"none of the {waiting} messages in {queue} is meant")
        raise typer.Exit(ExitCode.PROBLEMS)


@app.command("replay")
def replay_command(  # noqa: PLR0913 - one parameter per option
    queue: Queue,
    all_messages: All = False,
    ids: Ids = None,
    group: Group = None,
    rate: Annotated[float | None, typer.Option(help="Messages a second, at most.", show_default="no limit")] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Put dead letters back into the queue they died in, with fresh attempts.

    Each message is published to its queue, confirmed by the broker, and only then taken off the dead letters.
    Killed half-way, none is lost and at most 50 are in both places; they have the same message id and are done
    once. Messages that die while the command runs stay where they are. Ctrl-C stops between two messages.

    Example:  postroom dead replay email.send.dead --id 6f2c9a30

    Example:  postroom dead replay email.send.dead --group 906753039c --rate 20

    Example:  postroom dead replay email.send.dead --all --yes
    """
    if rate is not None and not rate > 0:
        raise ConfigurationError("--rate: messages a second, above 0")
    target = target_of(queue)
    selection = _selection(all_messages=all_messages, ids=ids, group=group)
    if not dry_run:
        _ask("Replay", target, selection, yes=yes, as_json=as_json)
    with _progress("Replaying", quiet=as_json) as watch:
        outcome = _run(
            target,
            lambda url: _until_stopped(
                watch, replay(url, target, selection, pace=Pace(rate), watch=watch, dry_run=dry_run)
            ),
        )
    _finish(outcome, selection, done="would be replayed" if dry_run else "replayed", as_json=as_json)


@app.command("discard")
def discard_command(  # noqa: PLR0913 - one parameter per option
    queue: Queue,
    reason: Annotated[str, typer.Option("--reason", help="Why; goes to the log with who and which.")],
    all_messages: All = False,
    ids: Ids = None,
    group: Group = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete dead letters for good. Who did it, which messages and why goes to the log (stderr).

    Example:  postroom dead discard email.send.dead --group 906753039c --reason "address list was wrong, see #123"
    """
    if not reason.strip():
        raise ConfigurationError("--reason: say why, for whoever asks later")
    target = target_of(queue)
    selection = _selection(all_messages=all_messages, ids=ids, group=group)
    if not dry_run:
        _ask("Discard for good", target, selection, yes=yes, as_json=as_json, even_one=True)
    with _progress("Discarding", quiet=as_json) as watch:
        outcome = _run(
            target,
            lambda url: _until_stopped(
                watch, discard(url, target, selection, reason=reason.strip(), watch=watch, dry_run=dry_run)
            ),
        )
    _finish(outcome, selection, done="would be discarded" if dry_run else "discarded", as_json=as_json)


def _url(settings: RuntimeSettings) -> str:
    return settings.amqp_url.get_secret_value()


def _run(target: Target, work: Callable[[str], Awaitable[Result]]) -> Result:
    settings = read_settings(RuntimeSettings)

    async def run() -> Result:
        return await work(_url(settings))

    try:
        return asyncio.run(run())
    except TopologyError as error:
        raise _with_suggestion(error, target, settings) from None


def _with_suggestion(error: TopologyError, target: Target, settings: RuntimeSettings) -> PostroomError:
    """`error`, with the queue that was probably meant."""
    try:
        names = _queues_of_dead_letters(settings)
    except ManagementError:
        return error
    similar = difflib.get_close_matches(target.source, names, n=1)
    if target.source in names or not similar:
        return error
    return TopologyError(f"there is no queue {target.source}; did you mean {similar[0]}?")


def _queues_of_dead_letters(settings: RuntimeSettings) -> list[str]:
    with Management.from_settings(settings) as management:
        names = [queue.name for queue in management.queues()]
    return sorted(name for name in names if name.endswith(wire.DEAD_SUFFIX) or name == wire.UNROUTED_QUEUE)


async def _summarize(url: str, targets: list[Target], limit: int, *, keep_empty: bool) -> list[QueueSummary]:
    async with connect(url) as connection:
        summaries = [await summarize(connection, target, limit) for target in targets]
    return [summary for summary in summaries if summary.waiting or keep_empty]


async def _read(url: str, target: Target, selection: Selection, limit: int) -> tuple[list[Found], int]:
    """The selected messages, at most `limit`, and how many there are in all. Ids and causes are sought everywhere."""
    found: list[Found] = []
    async with connect(url) as connection:
        waiting = await depth_of(connection, target.source)
        # Closed here, not some time later: the rest is to be given back before the connection ends.
        async with aclosing(read_letters(connection, target, waiting)) as letters:
            async for one in letters:
                if selection.takes(one):
                    found.append(one)
                if len(found) == limit:
                    break
    return found, waiting


def _selection(*, all_messages: bool, ids: list[str] | None, group: str | None) -> Selection:
    if all_messages == bool(ids or group):
        raise ConfigurationError("say which messages: either --all, or --id and --group")
    return Selection(frozenset(ids or ()), group)


def _ask(verb: str, target: Target, selection: Selection, *, yes: bool, as_json: bool, even_one: bool = False) -> None:
    """Ask a person before many messages are touched; a program must have said --yes."""
    waiting = _run(target, lambda url: _waiting(url, target))
    at_most = min(len(selection.ids), waiting) if selection.ids else waiting
    if yes or not at_most or (at_most < MANY and not even_one):
        return
    which = "" if selection.ids or selection.group is None else f"those of group {selection.group} among "
    question = f"{verb} {which}{at_most} message{'s' if at_most != 1 else ''} of {target.source}"
    if as_json or not sys.stdin.isatty():
        raise ConfigurationError(f"{question}? There is nobody to ask: add --yes")
    if not typer.confirm(f"{question}?", err=True):
        raise typer.Exit(ExitCode.PROBLEMS)


async def _waiting(url: str, target: Target) -> int:
    async with connect(url) as connection:
        return await depth_of(connection, target.source)


async def _until_stopped(watch: Watch, work: Awaitable[Outcome]) -> Outcome:
    if threading.current_thread() is threading.main_thread():  # the only one that gets signals
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, watch.stop.set)
    return await work


@contextmanager
def _progress(what: str, *, quiet: bool) -> Iterator[Watch]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield Watch(progressed=lambda outcome: progress.update(task, completed=outcome.examined, total=outcome.waiting))


def _finish(outcome: Outcome, selection: Selection, *, done: str, as_json: bool) -> None:
    missing = max(0, len(selection.ids) - outcome.settled) if not outcome.is_stopped else 0
    if as_json:
        print_json(outcome.to_json())
    else:
        print_outcome(outcome, done=done, missing=missing)
    if outcome.is_stopped:
        raise typer.Exit(EXIT_STOPPED)
    is_group_empty = selection.group is not None and not outcome.settled
    if outcome.problem or outcome.refused or missing or is_group_empty:
        raise typer.Exit(ExitCode.PROBLEMS)
