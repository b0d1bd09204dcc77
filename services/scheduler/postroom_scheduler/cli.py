"""`postroom schedules`: what fires when, and what became of it. Works on the scheduler's database, needs no broker."""

import asyncio
import getpass
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
import yaml
from pydantic import ValidationError
from rich.markup import escape

from postroom.storage.existing import existing_database
from postroom.terminal import AsJson, ExitCode, complain, out, print_json, print_table, wrong_usage
from postroom.wire.errors import ConfigurationError
from postroom.wire.messages import SetSchedule, describe_problems
from postroom_scheduler.file import read_file
from postroom_scheduler.service import service
from postroom_scheduler.sql_schedules import SqlSchedules, moment_of
from postroom_scheduler.timing import make_timing
from postroom_scheduler.views import described, described_tick, upcoming

Result = TypeVar("Result")

COLOURS = {"done": "green", "published": "cyan", "due": "yellow", "dead": "red", "skipped": "dim"}

app = typer.Typer(
    no_args_is_help=True,
    help="Look at the schedules and far jobs, run, pause and change them. A running scheduler sees it at once.",
)
Name = Annotated[str, typer.Argument(help="`postroom schedules list` shows the names.")]


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List schedules and far jobs: when they fire next, and what became of the last time.

    Exit code 1: the job of a last tick is a dead letter.

    Example: `postroom schedules list`
    """
    found = [described(each) for each in _ask(lambda schedules: schedules.all())]
    if as_json:
        print_json(found)
    else:
        print_table(("name", "when", "next", "last", "late", "outcome"), [_row(each) for each in found])
    if any(each["last"] and each["last"]["state"] == "dead" for each in found):
        raise typer.Exit(ExitCode.PROBLEMS)


@app.command("show")
def show_command(name: Name, as_json: AsJson = False) -> None:
    """Show one schedule whole, with its last ticks.

    Example: `postroom schedules show daily-report`
    """
    seen = _ask(lambda schedules: _shown(schedules, name))
    if as_json:
        print_json(seen)
        return
    out.print(f"[bold]{escape(seen['name'])}[/] ({seen['source']}), changed {_local(seen['changed_at'])} by", end=" ")
    out.print(escape(seen["changed_by"]), highlight=False)
    out.print(escape(yaml.safe_dump(seen["definition"], sort_keys=False).rstrip()), highlight=False, soft_wrap=True)
    columns = ("fire time", "late", "outcome", "finished", "message id", "error")
    rows = [
        (
            *(_local(tick["fire_time"]), _late(tick), _state(tick["state"]), _local(tick["finished_at"])),
            *(escape(tick["message_id"]), escape(tick["error"] or "")),
        )
        for tick in seen["ticks"]
    ]
    print_table(columns, rows)


@app.command("next")
def next_command(
    count: Annotated[int, typer.Argument(min=1, max=1000, help="How many.")], name: Name, as_json: AsJson = False
) -> None:
    """Print the coming fire times.

    Example: `postroom schedules next 10 daily-report`
    """
    moments = _ask(lambda schedules: _next(schedules, name, count))
    if as_json:
        print_json(moments)
    else:
        for moment in moments:
            out.print(_local(moment), highlight=False)


@app.command("run")
def run_command(name: Name, as_json: AsJson = False) -> None:
    """Fire a schedule now, whatever its times say; or do a far job now. A running scheduler publishes it.

    Example: `postroom schedules run daily-report`
    """
    message_id = _ask(lambda schedules: schedules.run_now(name, datetime.now(UTC)))
    answer = {"name": name, "message_id": message_id}
    _say(answer, f"is due now, with message id {message_id}", as_json=as_json)


@app.command("pause")
def pause_command(name: Name, as_json: AsJson = False) -> None:
    """Keep a schedule from firing until it is resumed.

    Example: `postroom schedules pause external-sync`
    """
    _ask(lambda schedules: schedules.pause(name, _user(), datetime.now(UTC)))
    _say({"name": name}, "is paused", as_json=as_json)


@app.command("resume")
def resume_command(name: Name, as_json: AsJson = False) -> None:
    """Let a paused schedule fire again, from its next time on.

    Example: `postroom schedules resume external-sync`
    """
    _ask(lambda schedules: schedules.pause(name, _user(), datetime.now(UTC), is_paused=False))
    _say({"name": name}, "fires again", as_json=as_json)


@app.command("set")
def set_command(
    definition: Annotated[str, typer.Argument(help="An entry of a schedules file as YAML or JSON, or `@file`.")],
    as_json: AsJson = False,
) -> None:
    """Make a schedule, or change the one of that name. Schedules of the file are changed in the file.

    Example: `postroom schedules set '{name: hello, every: 10s, event: hello.said}'`
    """
    schedule, now = _read_definition(definition), datetime.now(UTC)
    _ask(lambda schedules: schedules.put(schedule, _user(), now))
    moment = _local(make_timing(schedule).next_after(now)) or "never: its times are over"
    _say({"name": schedule.name, "next": moment}, f"is set; next: {moment}", as_json=as_json)


@app.command("remove")
def remove_command(name: Name, as_json: AsJson = False) -> None:
    """Remove a schedule of the database, or take a far job back.

    Example: `postroom schedules remove hello`
    """
    _ask(lambda schedules: schedules.remove(name))
    _say({"name": name}, "is removed", as_json=as_json)


@app.command("move")
def move_command(
    name: Name,
    at: Annotated[str, typer.Argument(help="`2026-12-24T18:00:00`, UTC, or with an offset.")],
    as_json: AsJson = False,
) -> None:
    """Give a far job another moment.

    Example: `postroom schedules move order-17-reminder 2026-12-24T18:00:00+01:00`
    """
    _ask(lambda schedules: schedules.move(name, moment_of(at), _user(), datetime.now(UTC)))
    _say({"name": name}, "is moved", as_json=as_json)


@app.command("check")
def check_command(
    file: Annotated[Path, typer.Argument(help="A schedules file.")],
    as_json: AsJson = False,
) -> None:
    """Check a schedules file before it is put where the scheduler reads it. Exit code 1: something is wrong.

    Example: `postroom schedules check schedules.yaml`
    """
    now = datetime.now(UTC)
    found = read_file(file, now)
    fine: list[dict[str, Any]] = [
        {"name": each.name, "next": next(upcoming(each, now), None), "paused": each.paused} for each in found.schedules
    ]
    if as_json:
        print_json({"schedules": fine, "problems": found.problems})
    else:
        rows = [(escape(each["name"]), "paused" if each["paused"] else _local(each["next"])) for each in fine]
        print_table(("name", "next"), rows)
        for problem in found.problems:
            complain(problem)
    if found.problems:
        raise typer.Exit(ExitCode.PROBLEMS)


def _ask(work: Callable[[SqlSchedules], Awaitable[Result]]) -> Result:
    """What `work` returns, given the schedules of the database as it is."""

    async def with_database() -> Result:
        async with existing_database(service) as database:
            return await work(SqlSchedules(database))

    with wrong_usage():
        return asyncio.run(with_database())


async def _shown(schedules: SqlSchedules, name: str) -> dict[str, Any]:
    ticks = await schedules.history(name)
    return described(await schedules.one(name)) | {"ticks": [described_tick(tick) for tick in ticks]}


async def _next(schedules: SqlSchedules, name: str, count: int) -> list[datetime]:
    seen = await schedules.one(name)
    if isinstance(seen.definition, SetSchedule):
        return list(islice(upcoming(seen.definition, datetime.now(UTC)), count))
    return [seen.next_at] if seen.next_at else []


def _read_definition(given: str) -> SetSchedule:
    try:
        text = Path(given[1:]).read_text(encoding="utf-8") if given.startswith("@") else given
        # By way of JSON: what YAML takes for a date is text in a message.
        return SetSchedule.model_validate_json(json.dumps(yaml.safe_load(text), default=str))
    except ValidationError as error:
        raise ConfigurationError(describe_problems(error)) from None
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"the definition cannot be read: {error}") from None


def _user() -> str:
    try:
        return f"{getpass.getuser()} (postroom schedules)"
    except (OSError, KeyError):
        return "postroom schedules"


def _row(each: dict[str, Any]) -> tuple[str, ...]:
    last = each["last"]
    return (
        escape(each["name"]),
        escape(each["when"]),
        "[dim]paused[/]" if each["paused"] else _short(each["next"]),
        _short(last["fire_time"]) if last else "",
        _late(last) if last else "",
        _state(last["state"]) if last else "",
    )


def _late(tick: dict[str, Any]) -> str:
    seconds = tick["lateness_seconds"]
    return "" if seconds is None else f"{seconds:.2f} s"


def _state(state: str) -> str:
    return f"[{COLOURS.get(state, 'default')}]{state}[/]"


def _local(moment: datetime | str | None) -> str:
    if not moment:
        return ""
    moment = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return moment.astimezone().isoformat(sep=" ", timespec="seconds")


def _short(moment: str | None) -> str:
    if not moment:
        return ""
    local, now = datetime.fromisoformat(moment).astimezone(), datetime.now().astimezone()
    return local.strftime("%d %b %H:%M" if local.year == now.year else "%d %b %Y %H:%M")


def _say(answer: dict[str, Any], what: str, *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        out.print(f"[bold]{escape(answer['name'])}[/] {escape(what)}", highlight=False, soft_wrap=True)
