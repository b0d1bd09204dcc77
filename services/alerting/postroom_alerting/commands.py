"""What the service answers to the command line. It answers with JSON, from the alerting's database.

`list all`, `list open`, `show KEY`, `mute KEY DURATION REASON`, `unmute KEY`, `resolve KEY`, `check FILE`,
`match FILE ABOUT NAME WHAT`, `test CHANNEL`.
"""

import asyncio
import getpass
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from postroom.runtime.answering import own_database
from postroom.settings import read_settings
from postroom.wire.errors import ConfigurationError
from postroom_alerting.channels import open_named
from postroom_alerting.conditions import Severity
from postroom_alerting.desk import Desk, open_desk, read_rules
from postroom_alerting.news import Concern, News
from postroom_alerting.notifier import Notice
from postroom_alerting.rules import About, Route, Span
from postroom_alerting.rules_file import BrokenRules, channel_urls, read_rules_file
from postroom_alerting.service import service
from postroom_alerting.settings import AlertingSettings
from postroom_alerting.sql_groups import SqlGroups
from postroom_alerting.wording import holding_queue

_DURATION: TypeAdapter[timedelta] = TypeAdapter(Span)


def answer(arguments: Sequence[str], _given: bytes) -> Any:
    """Do what the arguments say."""
    return asyncio.run(_answer(*arguments))


async def _answer(command: str = "", *given: str) -> Any:
    match command, given:
        case "check", (file,):
            return _check(Path(file), os.environ)
        case "match", (file, about, name, what):
            route = read_rules_file(Path(file)).to_rules().route(About(about), name, what)
            return _described_route(route)
        case "test", (channel,):
            return await _test(open_desk(read_settings(AlertingSettings)), channel)
    return await _with_database(command, *given)


def _check(path: Path, environment: Mapping[str, str]) -> Any:
    """What is wrong with the file, and with the channels' URLs where the environment has them."""
    try:
        found = read_rules_file(path)
    except BrokenRules as error:
        return {"problems": str(error).splitlines(), "channels": [], "rules": 0, "unset": []}
    unset = [each.removeprefix("env:") for each in found.channels.values() if not _is_set(each, environment)]
    problems = []
    if not unset:
        try:
            open_named(channel_urls(found, path, environment), str(path))
        except ConfigurationError as error:
            problems = [str(error)]
    return {"problems": problems, "channels": list(found.channels), "rules": len(found.rules), "unset": unset}


def _is_set(given: str, environment: Mapping[str, str]) -> bool:
    return not given.startswith("env:") or bool(environment.get(given.removeprefix("env:"), "").strip())


async def _test(desk: Desk, name: str) -> Any:
    channel = next((each for each in desk.channels if each.channel == name), None)
    if channel is None:
        known = ", ".join(each.channel for each in desk.channels)
        raise ConfigurationError(f"there is no channel {name}; there are {known}")
    title = "Postroom: a test of this channel"
    body = "Somebody typed `postroom alerts test`. Nothing is wrong."
    facts = (("Asked by", _user()),)
    details = {"about": "test", "state": News.NEW.value, "severity": Severity.INFO.value}
    await channel.notify(Notice(title, body, severity=Severity.INFO, facts=facts, details=details))
    return {"channel": name}


async def _with_database(command: str, *given: str) -> Any:
    rules = read_rules(read_settings(AlertingSettings))
    async with own_database(service) as database:
        return await _of_groups(SqlGroups(database, rules), command, *given)


async def _of_groups(groups: SqlGroups, command: str, *given: str) -> Any:
    now = datetime.now(UTC)
    match command, given:
        case "list", ("all" | "open" as which,):
            mutes = await groups.mutes(now)
            found = await groups.all(now, with_resolved=which == "all")
            return [_described(each, mutes) for each in found]
        case "show", (key,):
            concern = _described(await groups.one(key, now), await groups.mutes(now))
            return concern | {"messages": await groups.messages(key), "channels": await groups.told(key)}
        case "mute", (key, duration, reason):
            until = now + _DURATION.validate_python(duration)
            await groups.mute(key, until, by=_user(), reason=reason)
            return {"key": key, "until": until}
        case "unmute", (key,):
            await groups.mute(key, None, by="", reason="")
            return {"key": key}
        case "resolve", (key,):
            await groups.resolve(key, by=_user(), now=now)
            return {"key": key}
    return {"error": f"use: {' '.join((__doc__ or '').split('`')[3:-1:2])}"}


def _described(concern: Concern, mutes: Mapping[str, Any]) -> dict[str, Any]:
    muted = mutes.get(concern.key)
    state = "resolved" if not concern.is_open else "muted" if muted else "open"
    is_back = concern.is_open and concern.episode > 1
    holds = {"held_in": holding_queue(concern.name)} if concern.about is About.FAILURES else {}
    return asdict(concern) | {"state": state, "came_back": is_back, "muted": muted} | holds


def _described_route(route: Route) -> dict[str, Any]:
    return {
        "rule": route.rule,
        "to": route.channels,
        "severity": route.severity,
        "interval_seconds": route.interval.total_seconds(),
        "escalate_after_seconds": route.escalate_after.total_seconds() if route.escalate_after else None,
        "escalate_to": route.escalate_to,
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"
