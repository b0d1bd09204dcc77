"""`postroom alerts`: what is wrong, who was told, and what is to be told no more. Works on the alerting's database."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from postroom.operator.cli.asking import ask_service
from postroom.terminal import AsJson, ExitCode, complain, out, print_json, print_table

SERVICE = "alerting"
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
    found = ask_service(SERVICE, "list", "all" if with_resolved else "open")
    if as_json:
        print_json(found)
    elif not found:
        out.print("Nothing was ever told of." if with_resolved else "Nothing is open; --all shows what was.")
    else:
        print_table(("key", "state", "what", "messages", "last"), [_row(each) for each in found])
    if any(each["state"] == "open" for each in found):
        raise typer.Exit(ExitCode.PROBLEMS)


@app.command("show")
def show_command(key: Key, as_json: AsJson = False) -> None:
    """Show one group or condition whole: its newest messages, and what each channel was told.

    Example: `postroom alerts show 8104064110`
    """
    seen = ask_service(SERVICE, "show", key)
    if as_json:
        print_json(seen)
        return
    for name, text in _facts(seen):
        out.print(f"[bold]{name}:[/] {escape(text)}", highlight=False, soft_wrap=True)
    messages = [(escape(each["message_id"]), each["state"], _short(each["last_at"])) for each in seen["messages"]]
    print_table(("message id", "state", "died"), messages)
    told = [
        (escape(each["channel"]), each["role"], each["told_state"], _short(each["told_at"]))
        for each in seen["channels"]
    ]
    print_table(("channel", "role", "told", "at"), told)


@app.command("mute")
def mute_command(
    key: Key,
    duration: Annotated[str, typer.Option("--for", help="`30m`, `2h`, `1d`.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever looks next.")] = "",
    as_json: AsJson = False,
) -> None:
    """Tell nobody of it for a while. What comes meanwhile is recorded, and told when the time is over.

    Example: `postroom alerts mute 8104064110 --for 2h --reason "fix is on its way"`
    """
    answer = ask_service(SERVICE, "mute", key, duration, reason)
    _say(answer, f"is muted until {_short(answer['until'])}", as_json=as_json)


@app.command("unmute")
def unmute_command(key: Key, as_json: AsJson = False) -> None:
    """Tell of it again.

    Example: `postroom alerts unmute 8104064110`
    """
    _say(ask_service(SERVICE, "unmute", key), "is told of again", as_json=as_json)


@app.command("resolve")
def resolve_command(key: Key, as_json: AsJson = False) -> None:
    """Close a group by hand. Its messages stay where they are; the next death in it is told as `came back`.

    A condition is closed by hand only if nobody has seen it for five minutes, or if it misses a scheduler that shall
    run no more.

    Example: `postroom alerts resolve 8104064110`
    """
    _say(ask_service(SERVICE, "resolve", key), "is resolved", as_json=as_json)


@app.command("check")
def check_command(
    file: RulesPath,
    queue: Annotated[str, typer.Option("--queue", help="Show which rule failures of this queue follow.")] = "",
    error: Annotated[str, typer.Option("--error", help="The error's type, with `--queue`.")] = "",
    condition: Annotated[str, typer.Option("--condition", help="Instead of `--error`: a kind of condition.")] = "",
    as_json: AsJson = False,
) -> None:
    """Check a rules file, and show whom something would be told. Exit code 1: something is wrong with the file.

    Example: `postroom alerts check alerts.yaml --queue email.send --error RecipientsRefused`
    """
    found = ask_service(SERVICE, "check", str(file))
    if not found["problems"] and (queue or error or condition):
        about, what = ("condition", condition) if condition else ("failures", error)
        found["route"] = ask_service(SERVICE, "match", str(file), about, queue, what)
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
    answer = ask_service(SERVICE, "test", channel)
    _say({"key": answer["channel"]}, "has taken it", as_json=as_json)


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
    text = f"{which}: told to {to}, every {timedelta(seconds=route['interval_seconds'])} at most"
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


def _short(moment: str | None) -> str:
    if not moment:
        return ""
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _say(answer: dict[str, Any], what: str, *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        out.print(f"[bold]{escape(answer['key'])}[/] {escape(what)}", highlight=False, soft_wrap=True)
