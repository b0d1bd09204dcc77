"""Which dead letters a command is about: the options that all of them share."""

import functools
import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from postroom.durations import Duration
from postroom.operator.dead_letters import Selection
from postroom.wire.dead_letter import moment_of
from postroom.wire.errors import ConfigurationError

Queue = Annotated[str, typer.Argument(help="`email.send.dead`, or `unrouted`.")]
All = Annotated[bool, typer.Option("--all", help="All messages that are in the queue now.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count; change nothing.")]


def _options(  # noqa: PLR0913 - one parameter per option
    ids: Annotated[list[str] | None, typer.Option("--id", help="Message id; may be given several times.")] = None,
    group: Annotated[
        str | None, typer.Option("--group", help="All of one cause: the key that `dead list` shows.")
    ] = None,
    error_type: Annotated[
        str | None, typer.Option("--error-type", help="The error's name, as `dead list` shows it.")
    ] = None,
    error: Annotated[
        str | None, typer.Option("--error", help="A part of the error's text, in small or capital letters.")
    ] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Published as this kind.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Died then or later: 2026-11-25T14:00 (UTC without a zone).")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="Died before that.")] = None,
    older_than: Annotated[str | None, typer.Option("--older-than", help="Died longer ago: 2h, 1d12h.")] = None,
) -> Selection:
    if older_than and until:
        raise ConfigurationError("--older-than, --until: one of them")
    return Selection(
        ids=frozenset(ids or ()),
        group=group,
        error_type=error_type,
        error=error,
        kind=kind,
        since=_moment("--since", since),
        until=_ago(older_than) if older_than else _moment("--until", until),
    )


def selecting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options in place of its parameter `selection`: messages that fit all that is said."""
    own = inspect.signature(command, eval_str=True).parameters
    shared = inspect.signature(_options, eval_str=True).parameters

    @functools.wraps(command)
    def with_options(**given: Any) -> None:
        selection = _options(**{name: given.pop(name) for name in shared})
        command(selection=selection, **given)

    parameters = [
        each.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, one in own.items()
        for each in (shared.values() if name == "selection" else [one])
    ]
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {each.name: each.annotation for each in parameters}
    return with_options


def some(selection: Selection, *, all_messages: bool) -> Selection:
    """`selection`, of a command that changes something: a person must have said which. Raises ConfigurationError."""
    if all_messages != selection.is_all:
        raise ConfigurationError("say which messages: either --all, or --id, --group and the other options")
    return selection


def _moment(option: str, text: str | None) -> datetime | None:
    moment = moment_of(text) if text else None
    if text and moment is None:
        raise ConfigurationError(f"{option}: a time such as 2026-11-25T14:00 or 2026-11-25T14:00+01:00")
    return moment


def _ago(text: str) -> datetime:
    try:
        return datetime.now(UTC) - TypeAdapter(Duration).validate_python(text)
    except (ValidationError, OverflowError):
        raise ConfigurationError("--older-than: a time span such as 90m, 2h or 1d12h") from None
