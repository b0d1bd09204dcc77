"""How every command speaks: tables for people, `--json` for programs, the same exit codes everywhere."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime
from enum import IntEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from postroom.wire.errors import ConfigurationError, PostroomError

out = Console()
err = Console(stderr=True)  # notes and errors, so that stdout stays what a program can read

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables.")]


class ExitCode(IntEnum):
    """What a shell script sees. Each command's help says which of its findings are problems."""

    OK = 0
    PROBLEMS = 1
    USAGE = 2  # an option or a setting is wrong
    UNREACHABLE = 3  # the broker or its management API does not answer, or does not let us in


EXIT_CODES = (
    "Exit codes: 0 all is well, 1 problems were found, 2 an option or setting is wrong, "
    "3 the broker or its management API cannot be used."
)


@contextmanager
def wrong_usage() -> Iterator[None]:
    """Whatever Postroom's code refuses in the block was asked for wrongly: raises ConfigurationError, exit code 2."""
    try:
        yield
    except ConfigurationError:
        raise
    except PostroomError as error:
        raise ConfigurationError(str(error)) from None


def complain(text: str) -> None:
    """One error, on stderr."""
    err.print(f"[bold red]error:[/] {escape(text)}", soft_wrap=True, highlight=False)


def note(text: str) -> None:
    """Something to know that is no error, on stderr."""
    err.print(f"[yellow]note:[/] {escape(text)}", soft_wrap=True, highlight=False)


def print_json(value: Any) -> None:
    """`value` on stdout: dataclasses as objects, moments as RFC 3339, what else JSON does not know as text."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_as_json))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str | None = None) -> None:
    """A table on stdout. Cells may hold rich markup: escape what comes from outside."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")  # a queue's name is never cut off
    for row in rows:
        table.add_row(*row)
    out.print(table)


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)
