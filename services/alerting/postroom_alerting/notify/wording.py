"""What an alert says: what broke, since when, and the commands to type next."""

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from postroom import wire
from postroom.privacy.masking import mask_text
from postroom.wire.messages.schedule import shortest_duration
from postroom_alerting.classification import IncidentSeverity, IncidentType
from postroom_alerting.incidents.incident import Incident
from postroom_alerting.notify.notifications import Alert, Item, News
from postroom_alerting.notify.notifier import Notice

_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+/-]{0,127}")
_LONGEST_ERROR = 500
_MOST_LISTED = 12  # groups of a digest that are named
_RESOLVED_BY_ITSELF = " resolved: none of its messages is dead any more"
_GRAVEST_FIRST = (IncidentSeverity.CRITICAL, IncidentSeverity.WARNING, IncidentSeverity.INFO)

Facts = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Links:
    """Where an alert leads to.

    Attributes:
        management_ui: RabbitMQ's management UI as a browser reaches it; empty for no link.
        runbook: may have `{queue}` and `{error}` in it; empty for no link.
    """

    management_ui: str = ""
    virtual_host: str = "/"
    runbook: str = ""

    def of(self, incident: Incident) -> list[tuple[str, str]]:
        """Pairs of label and URL."""
        found = []
        if self.management_ui and incident.about is IncidentType.FAILURES:
            queue = quote(holding_queue(incident.name), safe="")
            host = quote(self.virtual_host, safe="")
            found.append(("Queue", f"{self.management_ui.rstrip('/')}/#/queues/{host}/{queue}"))
        if self.runbook:
            filled = self.runbook.replace("{queue}", quote(incident.name, safe=""))
            found.append(("Runbook", filled.replace("{error}", quote(incident.what, safe=""))))
        return found


def notice_of(alert: Alert, links: Links | None = None) -> Notice:
    """The notice for `alert`."""
    links = links or Links()
    return _notice_of_one(alert.items[0], links) if len(alert.items) == 1 else _digest(alert.items, links)


def holding_queue(queue: str) -> str:
    """The queue in which the messages that died in `queue` wait."""
    return queue if queue == wire.UNROUTED_QUEUE else wire.dead_queue(queue)


def _notice(*, facts: Facts, commands: list[str], links: list[tuple[str, str]], **rest: Any) -> Notice:
    shown = [f"{name}: {text}" for name, text in facts]
    led = [f"{label}: {url}" for label, url in links]
    body = "\n".join([*shown, *([""] if commands else []), *commands, *([""] if led else []), *led])
    details = rest.pop("details") | {"commands": commands, "links": dict(links)}
    return Notice(body=body, facts=tuple(facts), commands=tuple(commands), links=tuple(links), details=details, **rest)


def _notice_of_one(item: Item, links: Links) -> Notice:
    incident = item.incident
    return _notice(
        title=_line(f"{incident.name}: {incident.what}{_headline(item)}", 200),
        news=item.news,
        severity=incident.severity,
        facts=_FACTS[incident.about](item),
        commands=_COMMANDS[incident.about](item),
        links=links.of(incident),
        details=_details(item),
    )


def _digest(items: Sequence[Item], links: Links) -> Notice:
    lasting = [item for item in items if not item.news.is_good]
    facts = [(_line(f"{item.incident.name}: {item.incident.what}", 120), _growth(item)) for item in items]
    if len(items) > _MOST_LISTED:
        facts = [*facts[:_MOST_LISTED], ("And", f"{len(items) - _MOST_LISTED} more causes")]
    severities = {item.incident.severity for item in lasting or items}
    return _notice(
        title=_title(lasting, [item for item in items if item.news.is_good]),
        news=News.DIGEST if lasting else items[0].news,
        severity=next(severity for severity in _GRAVEST_FIRST if severity in severities),
        facts=facts,
        commands=["postroom alerts list", f"postroom alerts show {items[0].incident.key}"],
        links=[],
        details={
            "state": News.DIGEST.value,
            "new_groups": _count(lasting, News.NEW, News.CAME_BACK),
            "groups": [_details(item) for item in items],
        },
        parts=tuple(_notice_of_one(item, links) for item in items if item.news is not News.MORE),
    )


def _title(lasting: list[Item], over: list[Item]) -> str:
    ended = f"{_causes(len(over))} {' or '.join(sorted({item.news.value for item in over}))}" if over else ""
    if not lasting:
        return ended
    new, escalated = _count(lasting, News.NEW, News.CAME_BACK), _count(lasting, News.ESCALATED)
    deaths = sum(item.new for item in lasting)
    told = [f"{_messages(deaths, more=not new)} of {_causes(len(lasting))}"] if deaths else [_causes(len(lasting))]
    told += [f"{new} of them new"] if new else []
    told += [f"{escalated} of them still open"] if escalated else []
    return "; ".join(filter(None, [", ".join(told), ended]))


def _count(items: Sequence[Item], *news: News) -> int:
    return sum(item.news in news for item in items)


def _causes(count: int) -> str:
    return f"{count} cause{'s' if count != 1 else ''}"


def _headline(item: Item) -> str:
    incident = item.incident
    if incident.about is IncidentType.CONDITION:
        return "" if item.news is News.NEW else f" {_state(item)}"
    if item.news is News.RESOLVED:
        return f" resolved by {incident.closed_by}" if incident.closed_by else _RESOLVED_BY_ITSELF
    state = "" if item.news in {News.NEW, News.MORE} else f" {_state(item)}"
    count = incident.unsettled if item.news is News.ESCALATED else item.new
    return f"{state}, {_messages(count, more=item.news is News.MORE)}"


def _state(item: Item) -> str:
    if item.news is News.ESCALATED:
        return f"is still open since {_time(item.incident.opened_at)}"
    return item.news.value


def _messages(count: int, *, more: bool) -> str:
    return f"{count}{' more' if more else ''} message{'s' if count != 1 else ''}"


def _growth(item: Item) -> str:
    incident = item.incident
    state = "" if item.news in {News.NEW, News.MORE} else f"{_state(item)}, "
    if incident.about is IncidentType.CONDITION:
        return f"{state}{_line(incident.text, 200)}"
    if item.news.is_good:
        return f"{state}group {incident.key}"
    return f"{state}{_messages(item.new, more=item.news is News.MORE)}, {incident.unsettled} dead, group {incident.key}"


def _group_facts(item: Item) -> Facts:
    incident = item.incident
    facts = [("Error", _line(incident.text, _LONGEST_ERROR)), ("Queue", holding_queue(incident.name))]
    if incident.place:
        facts.append(("Place", _line(incident.place, 255)))
    if item.news.is_good:
        lasted = (incident.closed_at or incident.last_at) - incident.opened_at
        return [*facts, ("Lasted", _span(lasted)), ("In all", f"{incident.total} since {_time(incident.first_at)}")]
    shown = [_line(mask_text(message_id), 128) for message_id in incident.message_ids[: max(item.new, 1)]]
    others = f" and {item.new - len(shown)} more" if item.new > len(shown) else ""
    if shown:
        facts.append(("Messages", f"{', '.join(shown)}{others}"))
    facts.append(("Since", f"{_time(item.since)}, last {_time(incident.last_at)}"))
    if item.new < incident.total:
        facts.append(("In all", f"{incident.total} since {_time(incident.first_at)}, {incident.unsettled} dead now"))
    if incident.hour_before:
        facts.append(("Trend", f"{incident.last_hour} in the last hour, {incident.hour_before} in the hour before"))
    return facts


def _condition_facts(item: Item) -> Facts:
    incident = item.incident
    if item.news.is_good:
        return [
            ("Was", _line(incident.text, _LONGEST_ERROR)),
            ("Cleared", _time(incident.closed_at or incident.last_at)),
        ]
    return [("What", _line(incident.text, _LONGEST_ERROR)), ("Since", _time(incident.first_at))]


def _group_commands(item: Item) -> list[str]:
    incident = item.incident
    if item.news.is_good:
        return []
    queue, group = shlex.quote(holding_queue(incident.name)), f"--group {incident.key}"
    # An id that has an address in it, or could not be pasted as it stands, is not shown whole.
    plain = next((one for one in incident.message_ids if _PLAIN_ID.fullmatch(one) and mask_text(one) == one), None)
    one = [f"postroom dead replay {queue} --id {plain}"] if plain else []
    return [
        f"postroom dead show {queue} {f'--id {plain}' if plain else group}",
        *one,
        f"postroom dead replay {queue} {group}",
        f"postroom alerts mute {incident.key} --for 2h",
    ]


def _condition_commands(item: Item) -> list[str]:
    advice = [item.incident.advice] if item.incident.advice else []
    return [] if item.news.is_good else [*advice, f"postroom alerts mute {item.incident.key} --for 2h"]


_FACTS: dict[IncidentType, Callable[[Item], Facts]] = {
    IncidentType.FAILURES: _group_facts,
    IncidentType.CONDITION: _condition_facts,
}
_COMMANDS: dict[IncidentType, Callable[[Item], list[str]]] = {
    IncidentType.FAILURES: _group_commands,
    IncidentType.CONDITION: _condition_commands,
}


def _details(item: Item) -> dict[str, Any]:
    incident = item.incident
    names = ("queue", "error_type") if incident.about is IncidentType.FAILURES else ("subject", "condition")
    return {
        "about": incident.about.value,
        "group": incident.key,
        names[0]: incident.name,
        names[1]: incident.what,
        "error": _line(incident.text, _LONGEST_ERROR),
        "place": incident.place,
        "state": item.news.value,
        "severity": incident.severity.value,
        "new": item.new,
        "count": incident.total,
        "dead": incident.unsettled,
        "since": incident.opened_at.isoformat(),
    }


def _line(text: str, limit: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _span(span: timedelta) -> str:
    return shortest_duration(timedelta(seconds=round(max(span.total_seconds(), 1))))


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
