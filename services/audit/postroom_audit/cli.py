"""`postroom history`: what happened to a message. Works on the audit service's database, needs no broker."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.markup import escape

from postroom.operator.cli.asking import ask_service
from postroom.operator.cli.history_views import print_found, print_story
from postroom.privacy.recipients import digest_of, mask_recipient
from postroom.terminal import AsJson, ExitCode, note, out, print_json
from postroom.wire.errors import ConfigurationError

SERVICE = "audit"


class State(StrEnum):
    """How it stands with a message."""

    DONE = "done"
    RETRIED = "retried"
    DEAD = "dead"
    REPLAYED = "replayed"
    DISCARDED = "discarded"
    PUBLISHED = "published"


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
    """Tell the story of one message, or of each message with one correlation id.

    Example: `postroom history show e8342c6f`
    """
    stories = ask_service(SERVICE, "show", wanted)
    if as_json:
        print_json(stories)
        return
    for number, story in enumerate(stories):
        if number:
            out.print()
        print_story(story)


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
    wanted = {
        "kind": kind,
        "queue": queue,
        "state": state,
        "since": _moment(since),
        "until": _moment(until),
        "recipient": digest_of(recipient) if recipient else None,
        "error": error,
        "limit": limit,
    }
    given = json.dumps({name: value for name, value in wanted.items() if value is not None})
    found: list[dict[str, Any]] = ask_service(SERVICE, "find", given=given)
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


def _moment(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{text} is no moment; write it as 2026-11-25T02:00") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
