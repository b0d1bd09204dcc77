"""`postroom dead`: look at dead letters, replay them, discard them, keep them in a file."""

import asyncio
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from postroom.operator.cli.dead_edit import edit_of
from postroom.operator.cli.dead_files import export_command, import_command
from postroom.operator.cli.dead_options import All, DryRun, Queue, Yes, selecting, some
from postroom.operator.cli.dead_running import (
    ask,
    finish,
    progress_of,
    run_against,
    until_stopped,
    url_of,
)
from postroom.operator.cli.dead_timeline import timelines_of
from postroom.operator.cli.dead_views import json_of_found, print_found, print_summaries
from postroom.operator.dead_letters import (
    SLOWEST_PER_SECOND,
    QueuedDeadLetter,
    QueueSummary,
    ReplayRate,
    ReplayTarget,
    Selection,
    connect,
    depth_of,
    discard,
    read_letters,
    replay,
    replay_edited,
    summarize,
    target_of,
)
from postroom.settings import RuntimeSettings, read_settings
from postroom.terminal import AsJson, ExitCode, note, print_json
from postroom.wire.errors import ConfigurationError

app = typer.Typer(
    no_args_is_help=True,
    help="Messages that could not be processed: look at them, replay them, discard them, keep them.\n\n"
    "They wait in `<queue>.dead`, and jobs that no queue takes in `unrouted`. Looking never changes anything: what "
    "is read is given back. While a command reads a queue, its messages are out of sight of others.",
)


@app.command("list")
@selecting
def list_command(
    selection: Selection,
    queues: Annotated[list[str] | None, typer.Argument(help="Only these; by default all with dead letters.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Messages to read per queue.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """Show which queues hold dead letters, grouped by what they died of.

    Example:  postroom dead list

    Example:  postroom dead list email.send.dead --limit 20000 --json

    Example:  postroom dead list --error "connection refused" --since 2026-11-25T22:00
    """
    from postroom.operator.cli.dead_queues import queues_of_dead_letters  # noqa: PLC0415 - see dead_running

    settings = read_settings(RuntimeSettings)
    targets = [target_of(name) for name in (queues or queues_of_dead_letters(settings))]
    summaries = asyncio.run(_summarize(url_of(settings), targets, limit, selection))
    summaries = [each for each in summaries if each.groups or (selection.is_all and (each.waiting or queues))]
    if as_json:
        print_json([summary.to_json() for summary in summaries])
    else:
        print_summaries(summaries)


@app.command("show")
@selecting
def show_command(
    queue: Queue,
    selection: Selection,
    unmasked: Annotated[
        bool, typer.Option("--unmasked", help="Show bodies as they are: addresses, numbers, secrets.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="Messages to show.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show dead letters whole: what they died of and when, their headers, their body; of up to three, what happened.

    Addresses, numbers and secrets are masked unless --unmasked is given. Nothing is changed.

    Example:  postroom dead show email.send.dead --id 6f2c9a30

    Example:  postroom dead show email.send.dead --group 906753039c --limit 3
    """
    target = target_of(queue)
    found, waiting = run_against(target, lambda url: _read(url, target, selection, limit))
    timelines = timelines_of(found)
    if as_json:
        print_json([json_of_found(one, timelines.get(one.id, []), unmasked=unmasked) for one in found])
    else:
        for one in found:
            print_found(one, timelines.get(one.id, []), unmasked=unmasked)
        if selection.is_all and waiting > len(found):
            note(f"{waiting} messages are in {queue}; --limit {waiting} shows all")
    if not found and not selection.is_all:
        note(f"none of the {waiting} messages in {queue} is meant")
        raise typer.Exit(ExitCode.PROBLEMS)


@app.command("replay")
@selecting
def replay_command(  # noqa: PLR0913 - one parameter per option
    queue: Queue,
    selection: Selection,
    all_messages: All = False,
    rate: Annotated[
        float | None, typer.Option(help="Messages a second, at most; not below one a minute.", show_default="no limit")
    ] = None,
    edit: Annotated[bool, typer.Option("--edit", help="Change the body of the one --id in your editor first.")] = False,
    body: Annotated[
        Path | None,
        typer.Option("--body", help="Put this file's content in place of the body; `-` reads it from stdin."),
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Put dead letters back into the queue they died in, with fresh attempts.

    Each message is published to its queue, confirmed by the broker, and only then taken off the dead letters.
    Killed half-way, none is lost and at most 10 are in both places; they have the same message id and are done
    once; run it again, and each is in one place. Messages that die while the command runs stay where they are.
    Ctrl-C stops between two messages. First `dead-letter.replayed` says who replays what.

    A changed body must fit the contract of its kind. It is replayed under the same id, with the same headers; the
    event keeps the old one, masked.

    Example:  postroom dead replay email.send.dead --id 6f2c9a30

    Example:  postroom dead replay email.send.dead --group 906753039c --rate 20

    Example:  postroom dead replay email.send.dead --all --yes

    Example:  postroom dead replay email.send.dead --kind email.send --error "connection refused" --older-than 2h

    Example:  postroom dead replay email.send.dead --id 6f2c9a30 --edit
    """
    if rate is not None and not rate >= SLOWEST_PER_SECOND:
        raise ConfigurationError(f"--rate: messages a second, at least {SLOWEST_PER_SECOND:.4f}: one a minute")
    target = target_of(queue)
    selection = some(selection, all_messages=all_messages)
    change = edit_of(target, selection, file=body, by_hand=edit) if edit or body else None
    asked = selection if dry_run else ask("Replay", target, selection, yes=yes, as_json=as_json)
    with progress_of("Replaying", quiet=as_json) as control:
        run = partial(replay_edited, edit=change) if change else partial(replay, rate=ReplayRate(rate))
        options = {"control": control, "dry_run": dry_run}
        outcome = run_against(target, lambda url: until_stopped(control, run(url, target, asked, **options)))
    done = "changed and replayed" if change else "replayed"
    finish(outcome, selection, done=f"would be {done}" if dry_run else done, as_json=as_json)


@app.command("discard")
@selecting
def discard_command(  # noqa: PLR0913 - one parameter per option
    queue: Queue,
    reason: Annotated[str, typer.Option("--reason", help="Why; goes to the log with who and which.")],
    selection: Selection,
    all_messages: All = False,
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
    selection = some(selection, all_messages=all_messages)
    asked = selection
    if not dry_run:
        asked = ask("Discard for good", target, selection, yes=yes, as_json=as_json, even_one=True)
    with progress_of("Discarding", quiet=as_json) as control:
        outcome = run_against(
            target,
            lambda url: until_stopped(
                control, discard(url, target, asked, reason=reason.strip(), control=control, dry_run=dry_run)
            ),
        )
    finish(outcome, selection, done="would be discarded" if dry_run else "discarded", as_json=as_json)


app.command("export")(export_command)
app.command("import")(import_command)


async def _summarize(url: str, targets: list[ReplayTarget], limit: int, selection: Selection) -> list[QueueSummary]:
    async with connect(url) as connection:
        return [await summarize(connection, target, limit, selection) for target in targets]


async def _read(url: str, target: ReplayTarget, selection: Selection, limit: int) -> tuple[list[QueuedDeadLetter], int]:
    """The selected messages, at most `limit`, and how many there are in all. Ids and causes are sought everywhere."""
    found: list[QueuedDeadLetter] = []
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
