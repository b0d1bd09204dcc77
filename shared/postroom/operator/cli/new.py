"""`postroom new`: a project of one's own."""

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from postroom.operator.scaffold import NewService, is_in_workspace, write_service
from postroom.terminal import AsJson, out, print_json

app = typer.Typer(no_args_is_help=True, help="Begin a project of your own: a service with one job. It works at once.")


@app.callback()
def _group() -> None:
    """Keep `service` a command of its own, although it is the only one."""


@app.command("service")
def service_command(
    name: Annotated[str, typer.Argument(help="Of the service, as `thumbnails`: lower case, with hyphens.")],
    verb: Annotated[str, typer.Option(help="Of its first job: `make` for the kind `thumbnails.make`.")] = "make",
    folder: Annotated[Path | None, typer.Option(help="A new or empty folder; by default one called as NAME.")] = None,
    package: Annotated[str, typer.Option(help="What is imported; by default `thumbnails_service`.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write a small project: message, handler, far side, settings, a table, tests, and an image.

    It works as it stands: `uv run pytest`, `uv run postroom up`. Postroom finds the service by the entry point in its
    pyproject.toml, wherever it is installed.

    Example: `postroom new service thumbnails`
    """
    new = NewService(name, verb, package)
    where = folder or Path(name)
    written = write_service(new, where)
    if as_json:
        print_json({"service": name, "folder": where, "files": written})
        return
    out.print(f"{len(written)} files in [bold]{escape(str(where))}[/]. Next:", highlight=False)
    in_ours = ("make lock format", "make check")
    in_its_own = (f"cd {shlex.quote(str(where))}", "uv run pytest", "uv run postroom up")
    for command in in_ours if is_in_workspace(where.absolute()) else in_its_own:
        out.print(f"  {escape(command)}", highlight=False)
