"""`postroom report`: ask for a report and watch it being made; look at report types. `postroom cancel`: stop one."""

import asyncio
import csv
import getpass
import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import typer
from pydantic import ValidationError
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from typer.core import TyperGroup

from postroom.broker.publishing import Publisher
from postroom.settings import RuntimeSettings, read_settings
from postroom.terminal import AsJson, ExitCode, complain, err, note, out, print_json, print_table, wrong_usage
from postroom.wire.errors import ConfigurationError, InvalidPublish
from postroom.wire.messages import (
    CancelReport,
    GenerateReport,
    ReportCancelled,
    ReportProgress,
    ReportReady,
    describe_problems,
)
from postroom.wire.messages.report import ReportFormat
from postroom_report.watch import Died, News, ReportWatch, watch

EXIT_STOPPED = 130  # what shells expect of a program that Ctrl-C ended


class _TypesAndCommands(TyperGroup):
    """`postroom report TYPE` makes a report, whatever is not the name of a command."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command of that name, or the making of a report."""
        if args and args[0] not in self.commands:
            args = ["make", *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_TypesAndCommands,
    no_args_is_help=True,
    help="Make a report: `postroom report TYPE`. Or look at the types there are, and at what a type looks like.",
)

Rows = Annotated[Path | None, typer.Option(help="Rows for it: a file with JSON, JSON lines or CSV.")]
Parameters = Annotated[
    list[str] | None, typer.Option("--parameter", "-p", help="`name=value`; may be given several times.")
]


@app.command("make")
def make_command(
    report_type: Annotated[str, typer.Argument(metavar="TYPE", help="`postroom report types` lists them.")],
    file_format: Annotated[ReportFormat, typer.Option("--format", help="Of the document.")] = "pdf",
    parameter: Parameters = None,
    rows: Rows = None,
    email_to: Annotated[list[str] | None, typer.Option(help="Mail it there; may be given several times.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask for a report, show how far it is, and name the document. `make` may be left out.

    Ctrl-C cancels the report. Exit code 1: it failed, and waits in `report.generate.dead`; or somebody cancelled it.

    Example: `postroom report daily-user-report --format xlsx --parameter day=2026-01-31`
    """
    job = _job(report_type, file_format, parameter or [], rows, email_to or [])
    url, report_id = read_settings(RuntimeSettings).amqp_url.get_secret_value(), uuid4().hex
    try:
        news = asyncio.run(_make(url, job, report_id))
    except KeyboardInterrupt:
        asyncio.run(cancel(url, report_id))
        note(f"report {report_id} is cancelled")
        raise typer.Exit(EXIT_STOPPED) from None
    _tell(news, report_id, as_json=as_json)


@app.command("types")
def types_command(as_json: AsJson = False) -> None:
    """List the report types there are, with their parameters.

    Example: `postroom report types`
    """
    from postroom_report.type_catalogue import described_types  # noqa: PLC0415 - asking for a report needs none of it

    with wrong_usage():
        types = described_types()
    if as_json:
        print_json(types)
    else:
        print_table(("type", "what", "rows from", "parameters"), [_row(each) for each in types])
    if any("error" in each for each in types):
        raise typer.Exit(ExitCode.PROBLEMS)


@app.command("preview")
def preview_command(
    report_type: Annotated[str, typer.Argument(metavar="TYPE", help="A report type.")],
    folder: Annotated[Path, typer.Option(help="Where the pictures are put.")] = Path("preview"),
    parameter: Parameters = None,
    rows: Rows = None,
    as_json: AsJson = False,
) -> None:
    """Make pictures (PNG) of a report's pages, here and now, for whoever writes its template. Needs no broker.

    Example: `postroom report preview invoice --rows lines.json --folder pages`
    """
    job = _job(report_type, "pdf", parameter or [], rows, [])
    from postroom_report.type_catalogue import preview  # noqa: PLC0415

    with wrong_usage():
        pages = preview(job, folder)
    if as_json:
        print_json({"pages": pages})
    else:
        for page in pages:
            out.print(escape(str(page)), highlight=False, soft_wrap=True)


def cancel_command(
    report_id: Annotated[str, typer.Argument(metavar="ID", help="The id that `postroom report` shows.")],
    as_json: AsJson = False,
) -> None:
    """Stop a running report within two seconds, or one that waits from being begun.

    It leaves nothing in the storage and is no dead letter. A report that is done stays. The same job published or
    replayed again stays cancelled: ask for the report under a new id.

    Example: `postroom cancel 2b7c9c1e4f0a4d3f9a5f7c1f0d6f3a11`
    """
    asyncio.run(cancel(read_settings(RuntimeSettings).amqp_url.get_secret_value(), report_id))
    if as_json:
        print_json({"id": report_id, "asked": True})
    else:
        out.print(f"{escape(report_id)} is to be stopped", highlight=False)


async def cancel(url: str, report_id: str) -> None:
    """Ask for it."""
    async with Publisher(url, app_id="postroom cancel") as publisher:
        await publisher.publish(CancelReport(report_id=report_id))


def read_rows(file: Path) -> list[dict[str, Any]]:
    """The rows in a file: CSV with a heading by its name's ending, else a JSON list, else JSON lines."""
    try:
        text = file.read_text(encoding="utf-8-sig")
        if file.suffix.lower() == ".csv":
            return [dict(row) for row in csv.DictReader(text.splitlines(keepends=True), strict=True)]
        found = json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines()]
    except OSError as error:
        raise ConfigurationError(f"--rows: cannot read {file}: {error.strerror}") from None
    except (ValueError, csv.Error) as error:
        raise ConfigurationError(f"--rows: {file} is not as it should be: {error}") from None
    rows: list[dict[str, Any]] = found
    return rows


def _job(kind: str, file_format: str, parameters: list[str], rows: Path | None, email_to: list[str]) -> GenerateReport:
    fields: dict[str, Any] = {"type": kind, "initiatedBy": f"{_user()} (postroom report)", "format": file_format}
    if parameters:
        fields["parameters"] = dict(_pair(text) for text in parameters)
    if rows is not None:
        fields["rows"] = read_rows(rows)
    if email_to:
        fields["email_to"] = email_to
    try:
        return GenerateReport.model_validate(fields)
    except ValidationError as error:
        raise InvalidPublish(f"report.generate: {describe_problems(error)}") from None


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigurationError(f"--parameter {text}: write name=value")
    return name.strip(), value


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"


async def _make(url: str, job: GenerateReport, report_id: str) -> News:
    async with watch(url, report_id) as watching:
        if not watching.readers:
            note("no report service runs at the moment: start one with `postroom up`; the job waits in its queue")
        note(f"report {report_id}; to stop it: postroom cancel {report_id}")
        async with Publisher(url, app_id="postroom report") as publisher:
            await publisher.publish(job, message_id=report_id)
        return await _follow(watching, job.type)


async def _follow(watching: ReportWatch, kind: str) -> News:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(f"{escape(kind)}: waiting", total=None)
        while isinstance(news := await watching.next(), ReportProgress):
            progress.update(task, description=f"{escape(kind)}: {_described(news)}")
        return news


def _described(news: ReportProgress) -> str:
    counts = [f"{news.rows:,} rows"]
    counts += [f"{news.pages:,} pages"] if news.pages else []
    counts += [f"{news.documents:,} documents"] if news.documents > 1 else []
    return ", ".join(counts)


def _tell(news: News, report_id: str, *, as_json: bool) -> None:
    if isinstance(news, ReportReady):
        if as_json:
            print_json(news.to_wire())
        else:
            out.print(escape(_place(news.url)), highlight=False, soft_wrap=True)
            err.print(f"[dim]{news.rows:,} rows, {news.bytes:,} bytes[/]", highlight=False)
        return
    if isinstance(news, Died):
        complain(f"{news.error_type}: {news.error}")
        note(f"the job waits in report.generate.dead: postroom dead replay report.generate.dead --id {report_id}")
    elif isinstance(news, ReportCancelled):
        complain("somebody cancelled it")
    raise typer.Exit(ExitCode.PROBLEMS)


def _place(url: str) -> str:
    """A path where there is one."""
    parts = urlsplit(url)
    return unquote(parts.path) if parts.scheme == "file" else url


def _row(described: dict[str, Any]) -> tuple[str, str, str, str]:
    if "error" in described:
        return escape(described["type"]), f"[red]{escape(described['error'])}[/]", "", ""
    parameters = "\n".join(_parameter(each) for each in described["parameters"])
    what = described["description"] or described["title"]
    return escape(described["type"]), escape(what), escape(described["rows"]), escape(parameters)


def _parameter(each: dict[str, Any]) -> str:
    default = " (must be given)" if each["required"] and each["default"] is None else ""
    default = f" = {each['default']}" if each["default"] is not None else default
    return f"{each['name']}: {each['type']}{default}"
