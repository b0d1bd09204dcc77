"""`postroom alerts`: what is wrong, which channels were notified, and what is muted. Reads alerting's database."""

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import TypeAdapter, ValidationError
from rich.markup import escape

from postroom.settings import read_settings
from postroom.storage.existing import existing_database
from postroom.terminal import AsJson, ExitCode, complain, out, print_json, print_table, wrong_usage
from postroom.wire.errors import ConfigurationError
from postroom.wire.messages import describe_problems
from postroom_alerting.classification import IncidentSeverity, IncidentType
from postroom_alerting.config import open_config
from postroom_alerting.notify.notifications import Reason
from postroom_alerting.notify.notifier import Notification
from postroom_alerting.rules.configured import load_rules
from postroom_alerting.rules.routes import RuleDuration
from postroom_alerting.rules.rules_file import read_rules_file
from postroom_alerting.rules_file_check import check_rules_file
from postroom_alerting.service import service
from postroom_alerting.settings import AlertingSettings
from postroom_alerting.sql_incidents import SqlIncidents
from postroom_alerting.views import described, described_route

Result = TypeVar("Result")

_DURATION: TypeAdapter[timedelta] = TypeAdapter(RuleDuration)
_LONGEST_TEXT = 200
COLOURS = {"open": "red", "muted": "yellow", "resolved": "green"}

app = typer.Typer(
    no_args_is_help=True,
    help="Look at groups of failures and at conditions, mute and resolve them, check rules and channels.",
)
Key = Annotated[str, typer.Argument(help="Stands in the alert; `postroom alerts list` shows it.")]
RulesPath = Annotated[Path, typer.Argument(help="A rules file.")]


@app.command("list")
def list_command(
    with_resolved: Annotated[bool, typer.Option("--all", help="Those that are resolved as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what is open: groups of failures, and conditions of the installation.

    Exit code 1: something is open and not muted.

    Example: `postroom alerts list`
    """
    found = _ask(lambda incidents: _listed(incidents, with_resolved=with_resolved))
    if as_json:
        print_json(found)
    elif not found:
        out.print("There was never an incident." if with_resolved else "Nothing is open; --all shows what was.")
    else:
        print_table(("key", "state", "what", "messages", "last"), [_row(each) for each in found])
    if any(each["state"] == "open" for each in found):
        raise typer.Exit(ExitCode.PROBLEMS)


@app.command("show")
def show_command(key: Key, as_json: AsJson = False) -> None:
    """Show one group or condition whole: its newest messages, and what each channel was last notified of.

    Example: `postroom alerts show 8104064110`
    """
    seen = _ask(lambda incidents: _shown(incidents, key))
    if as_json:
        print_json(seen)
        return
    for name, text in _facts(seen):
        out.print(f"[bold]{name}:[/] {escape(text)}", highlight=False, soft_wrap=True)
    messages = [(escape(each["message_id"]), each["state"], _short(each["last_at"])) for each in seen["messages"]]
    print_table(("message id", "state", "died"), messages)
    states = [
        (escape(each["channel"]), each["role"], each["told_state"], _short(each["told_at"]))
        for each in seen["channels"]
    ]
    print_table(("channel", "role", "notified", "at"), states)


@app.command("mute")
def mute_command(
    key: Key,
    duration: Annotated[str, typer.Option("--for", help="`30m`, `2h`, `1d`.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever looks next.")] = "",
    as_json: AsJson = False,
) -> None:
    """Notify nobody of it for a while. What comes meanwhile is recorded, and sent when the time is over.

    Example: `postroom alerts mute 8104064110 --for 2h --reason "fix is on its way"`
    """
    until = datetime.now(UTC) + _duration(duration)
    _ask(lambda incidents: incidents.silence(key, until, by=_user(), reason=reason))
    _say({"key": key, "until": until}, f"is muted until {_short(until)}", as_json=as_json)


@app.command("unmute")
def unmute_command(key: Key, as_json: AsJson = False) -> None:
    """Notify of it again.

    Example: `postroom alerts unmute 8104064110`
    """
    _ask(lambda incidents: incidents.end_silence(key))
    _say({"key": key}, "is not muted any more", as_json=as_json)


@app.command("resolve")
def resolve_command(key: Key, as_json: AsJson = False) -> None:
    """Close a group by hand. Its messages stay where they are; of the next death a notification says `came back`.

    A condition is closed by hand only if it was not observed for five minutes, or if it misses a scheduler that shall
    run no more.

    Example: `postroom alerts resolve 8104064110`
    """
    _ask(lambda incidents: incidents.resolve(key, by=_user(), now=datetime.now(UTC)))
    _say({"key": key}, "is resolved", as_json=as_json)


@app.command("check")
def check_command(
    file: RulesPath,
    queue: Annotated[str, typer.Option("--queue", help="Show which rule failures of this queue follow.")] = "",
    error: Annotated[str, typer.Option("--error", help="The error's type, with `--queue`.")] = "",
    condition: Annotated[str, typer.Option("--condition", help="Instead of `--error`: a kind of condition.")] = "",
    as_json: AsJson = False,
) -> None:
    """Check a rules file, and show which channels would be notified. Exit code 1: something is wrong with the file.

    Example: `postroom alerts check alerts.yaml --queue email.send --error RecipientsRefused`
    """
    found = check_rules_file(file, os.environ)
    if not found["problems"] and (queue or error or condition):
        about, what = (IncidentType.CONDITION, condition) if condition else (IncidentType.FAILURES, error)
        found["route"] = described_route(read_rules_file(file).to_rules().route(about, queue, what))
    if as_json:
        print_json(found)
    else:
        _show_check(found)
    if found["problems"]:
        raise typer.Exit(ExitCode.PROBLEMS)


@app.command("test")
def try_command(
    channel: Annotated[str, typer.Argument(help="Its name in the rules file, or as the log names it.")],
    as_json: AsJson = False,
) -> None:
    """Send a test message to one channel, with the alerting service's own settings.

    Example: `postroom alerts test team`
    """
    with wrong_usage():
        asyncio.run(_notify(channel))
    _say({"key": channel}, "has taken it", as_json=as_json)


def _ask(work: Callable[[SqlIncidents], Awaitable[Result]]) -> Result:
    """What `work` returns, given what is in the database as it is. No channel's secret is needed for that."""
    rules = load_rules(read_settings(AlertingSettings))

    async def with_database() -> Result:
        async with existing_database(service) as database:
            return await work(SqlIncidents(database, rules))

    with wrong_usage():
        return asyncio.run(with_database())


async def _listed(incidents: SqlIncidents, *, with_resolved: bool) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    silences = await incidents.silences(now)
    return [described(each, silences) for each in await incidents.all(now, with_resolved=with_resolved)]


async def _shown(incidents: SqlIncidents, key: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    incident = described(await incidents.one(key, now), await incidents.silences(now))
    return incident | {"messages": await incidents.messages(key), "channels": await incidents.notification_states(key)}


async def _notify(name: str) -> None:
    config = open_config(read_settings(AlertingSettings))
    channel = next((each for each in config.channels if each.channel == name), None)
    if channel is None:
        known = ", ".join(each.channel for each in config.channels)
        raise ConfigurationError(f"there is no channel {name}; there are {known}")
    title = "Postroom: a test of this channel"
    body = "Somebody typed `postroom alerts test`. Nothing is wrong."
    facts = (("Asked by", _user()),)
    details = {"about": "test", "state": Reason.NEW.value, "severity": IncidentSeverity.INFO.value}
    await channel.notify(Notification(title, body, severity=IncidentSeverity.INFO, facts=facts, details=details))


def _duration(text: str) -> timedelta:
    try:
        return _DURATION.validate_python(text)
    except ValidationError as error:
        raise ConfigurationError(describe_problems(error)) from None


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"


def _show_check(found: dict[str, Any]) -> None:
    for problem in found["problems"]:
        complain(problem)
    if found["problems"]:
        return
    out.print(f"{found['rules']} rules, channels: {escape(', '.join(found['channels']))}", highlight=False)
    if found["unset"]:
        names = ", ".join(found["unset"])
        out.print(f"Not set here, so their URLs were not looked at: {escape(names)}", highlight=False)
    if "route" in found:
        out.print(escape(_route(found["route"])), highlight=False)


def _route(route: dict[str, Any]) -> str:
    which = f"Rule {route['rule']}" if route["rule"] else "No rule matches"
    to = ", ".join(route["to"]) or "nobody"
    text = f"{which}: notifies {to}, every {timedelta(seconds=route['interval_seconds'])} at most"
    if route["escalate_to"]:
        after = timedelta(seconds=route["escalate_after_seconds"])
        text += f"; when open for {after}, to {', '.join(route['escalate_to'])}"
    return text


def _row(each: dict[str, Any]) -> tuple[str, ...]:
    state = f"[{COLOURS[each['state']]}]{each['state']}[/]{', came back' if each['came_back'] else ''}"
    messages = ""
    if each["about"] == "failures":
        messages = f"{each['unsettled']} dead of {each['total']}\n{_trend(each)}"
    text = " ".join(each["text"].split())[:_LONGEST_TEXT]
    what = f"[bold]{escape(each['name'])}: {escape(each['what'])}[/]\n{escape(text)}"
    return each["key"], state, what, messages, _short(each["last_at"]).replace(" ", "\n")


def _trend(each: dict[str, Any]) -> str:
    return f"{each['hour_before']} → {each['last_hour']}/h"


def _facts(seen: dict[str, Any]) -> list[tuple[str, str]]:
    facts = [("Where", seen["name"]), ("What", seen["what"]), ("Text", seen["text"]), ("Place", seen["place"])]
    facts += [("Advice", seen["advice"]), ("State", seen["state"] + (", came back" if seen["came_back"] else ""))]
    if seen["muted"]:
        muted = seen["muted"]
        facts.append(("Muted", f"until {_short(muted['until'])} by {muted['by']}: {muted['reason'] or 'no reason'}"))
    facts += [("Since", _short(seen["opened_at"])), ("Last", _short(seen["last_at"]))]
    if seen["about"] == "failures":
        facts.append(("Messages", f"{seen['unsettled']} dead now in {seen['held_in']}, {seen['total']} deaths in all"))
        facts.append(("Trend", f"{_trend(seen)} (the hour before → the last hour)"))
    return [(name, text) for name, text in facts if text]


def _short(moment: datetime | None) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def _say(answer: dict[str, Any], what: str, *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        out.print(f"[bold]{escape(answer['key'])}[/] {escape(what)}", highlight=False, soft_wrap=True)
