"""`postroom history`: what happened to a message. Works on the audit service's database, needs no broker."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer
from rich.markup import escape

from postroom.privacy.recipients import digest_of, mask_recipient
from postroom.storage.existing import existing_database
from postroom.terminal import AsJson, ExitCode, note, out, print_json, wrong_usage
from postroom.wire.errors import ConfigurationError
from postroom_audit.search import MessageQuery, State
from postroom_audit.service import service
from postroom_audit.sql_history import SqlHistory
from postroom_audit.views import print_found, print_timeline

Result = TypeVar("Result")


app = typer.Typer(
    no_args_is_help=True,
    help="What happened to a message: its tries, its death, who replayed it, how it ended. Addresses are masked.",
)


@app.command("show")
def show_command(
    wanted: Annotated[
        str, typer.Argument(metavar="ID", help="A message id, its first characters, or a correlation id.")
    ],
    as_json: AsJson = False,
) -> None:
    """Tell the timeline of one message, or of each message with one correlation id.

    Example: `postroom history show e8342c6f`
    """
    timelines = _ask(lambda history: history.timelines(wanted))
    if as_json:
        print_json(timelines)
        return
    for number, timeline in enumerate(timelines):
        if number:
            out.print()
        print_timeline(timeline)


@app.command("find")
def find_command(  # noqa: PLR0913 - one parameter per option
    kind: Annotated[str | None, typer.Option(help="As `email.send`.")] = None,
    queue: Annotated[str | None, typer.Option(help="As `email.on.user.created`.")] = None,
    state: Annotated[
        State | None, typer.Option(help="How it stands now; `published` are events of which no try is recorded.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="`2026-11-25T02:00`, UTC, or with an offset.")] = None,
    until: Annotated[str | None, typer.Option(help="Before that moment.")] = None,
    recipient: Annotated[str | None, typer.Option(help="An e-mail address or phone number.")] = None,
    error: Annotated[
        str | None, typer.Option(help="Part of the text or name of what any try failed of, or it died of.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The latest so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Find messages, the latest first. Kept are messages that failed, and kinds that ask for more.

    Exit code 1: there are none.

    Example: `postroom history find --kind email.send --state dead --since 2026-11-25T02:00`

    Example: `postroom history find --recipient ada@example.com`
    """
    wanted = MessageQuery(
        kind=kind,
        queue=queue,
        state=state,
        since=_moment(since),
        until=_moment(until),
        recipient=digest_of(recipient) if recipient else None,
        error=error,
        limit=limit,
    )
    found = _ask(lambda history: history.find(wanted))
    if recipient:
        note(f"messages to {mask_recipient(recipient)}")
    if as_json:
        print_json(found)
    elif found:
        print_found(found)
    else:
        out.print(escape("Nothing is recorded that fits."))
    if not found:
        raise typer.Exit(ExitCode.PROBLEMS)


def _ask(work: Callable[[SqlHistory], Awaitable[Result]]) -> Result:
    """What `work` returns, given the history in the database as it is."""

    async def with_database() -> Result:
        async with existing_database(service) as database:
            return await work(SqlHistory(database))

    with wrong_usage():
        return asyncio.run(with_database())


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{text} is no moment; write it as 2026-11-25T02:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
