"""The text of a notification: what broke, since when, and the commands to type next."""

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from postroom import wire
from postroom.durations import write_duration
from postroom.privacy.masking import mask_text
from postroom_alerting.classification import IncidentSeverity, IncidentType
from postroom_alerting.incidents.incident import Incident
from postroom_alerting.notify.notifications import DueNotification, IncidentUpdate, Reason
from postroom_alerting.notify.notifier import Notification

_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+/-]{0,127}")
_LONGEST_ERROR = 500
_MOST_LISTED = 12  # incidents of a digest that are listed
_RESOLVED_BY_ITSELF = " resolved: none of its messages is dead any more"
_GRAVEST_FIRST = (IncidentSeverity.CRITICAL, IncidentSeverity.WARNING, IncidentSeverity.INFO)

FactList = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Links:
    """Configuration of the links in a notification.

    Attributes:
        management_ui: URL of RabbitMQ's management UI for a browser; empty for no link.
        runbook: a URL that may contain `{queue}` and `{error}`; empty for no link.
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


def render_notification(due: DueNotification, links: Links | None = None) -> Notification:
    """The text of `due`."""
    links = links or Links()
    return _of_one(due.updates[0], links) if len(due.updates) == 1 else _digest(due.updates, links)


def holding_queue(queue: str) -> str:
    """The queue that holds the messages that died in `queue`."""
    return queue if queue == wire.UNROUTED_QUEUE else wire.dead_queue(queue)


def _notification(*, facts: FactList, commands: list[str], links: list[tuple[str, str]], **rest: Any) -> Notification:
    shown = [f"{name}: {text}" for name, text in facts]
    led = [f"{label}: {url}" for label, url in links]
    body = "\n".join([*shown, *([""] if commands else []), *commands, *([""] if led else []), *led])
    details = rest.pop("details") | {"commands": commands, "links": dict(links)}
    return Notification(
        body=body, facts=tuple(facts), commands=tuple(commands), links=tuple(links), details=details, **rest
    )


def _of_one(update: IncidentUpdate, links: Links) -> Notification:
    incident = update.incident
    return _notification(
        title=_line(f"{incident.name}: {incident.what}{_headline(update)}", 200),
        reason=update.reason,
        severity=incident.severity,
        facts=_FACTS[incident.about](update),
        commands=_COMMANDS[incident.about](update),
        links=links.of(incident),
        details=_details(update),
    )


def _digest(updates: Sequence[IncidentUpdate], links: Links) -> Notification:
    lasting = [update for update in updates if not update.reason.is_recovery]
    facts = [(_line(f"{update.incident.name}: {update.incident.what}", 120), _growth(update)) for update in updates]
    if len(updates) > _MOST_LISTED:
        facts = [*facts[:_MOST_LISTED], ("And", f"{len(updates) - _MOST_LISTED} more causes")]
    severities = {update.incident.severity for update in lasting or updates}
    return _notification(
        title=_title(lasting, [update for update in updates if update.reason.is_recovery]),
        reason=Reason.DIGEST if lasting else updates[0].reason,
        severity=next(severity for severity in _GRAVEST_FIRST if severity in severities),
        facts=facts,
        commands=["postroom alerts list", f"postroom alerts show {updates[0].incident.key}"],
        links=[],
        details={
            "state": Reason.DIGEST.value,
            "new_groups": _count(lasting, Reason.NEW, Reason.CAME_BACK),
            "groups": [_details(update) for update in updates],
        },
        parts=tuple(_of_one(update, links) for update in updates if update.reason is not Reason.MORE),
    )


def _title(lasting: list[IncidentUpdate], over: list[IncidentUpdate]) -> str:
    ended = f"{_causes(len(over))} {' or '.join(sorted({update.reason.value for update in over}))}" if over else ""
    if not lasting:
        return ended
    new, escalated = _count(lasting, Reason.NEW, Reason.CAME_BACK), _count(lasting, Reason.ESCALATED)
    deaths = sum(update.new for update in lasting)
    parts = [f"{_messages(deaths, more=not new)} of {_causes(len(lasting))}"] if deaths else [_causes(len(lasting))]
    parts += [f"{new} of them new"] if new else []
    parts += [f"{escalated} of them still open"] if escalated else []
    return "; ".join(filter(None, [", ".join(parts), ended]))


def _count(updates: Sequence[IncidentUpdate], *reasons: Reason) -> int:
    return sum(update.reason in reasons for update in updates)


def _causes(count: int) -> str:
    return f"{count} cause{'s' if count != 1 else ''}"


def _headline(update: IncidentUpdate) -> str:
    incident = update.incident
    if incident.about is IncidentType.CONDITION:
        return "" if update.reason is Reason.NEW else f" {_state(update)}"
    if update.reason is Reason.RESOLVED:
        return f" resolved by {incident.closed_by}" if incident.closed_by else _RESOLVED_BY_ITSELF
    state = "" if update.reason in {Reason.NEW, Reason.MORE} else f" {_state(update)}"
    count = incident.unsettled if update.reason is Reason.ESCALATED else update.new
    return f"{state}, {_messages(count, more=update.reason is Reason.MORE)}"


def _state(update: IncidentUpdate) -> str:
    if update.reason is Reason.ESCALATED:
        return f"is still open since {_time(update.incident.opened_at)}"
    return update.reason.value


def _messages(count: int, *, more: bool) -> str:
    return f"{count}{' more' if more else ''} message{'s' if count != 1 else ''}"


def _growth(update: IncidentUpdate) -> str:
    incident = update.incident
    state = "" if update.reason in {Reason.NEW, Reason.MORE} else f"{_state(update)}, "
    if incident.about is IncidentType.CONDITION:
        return f"{state}{_line(incident.text, 200)}"
    if update.reason.is_recovery:
        return f"{state}group {incident.key}"
    deaths = _messages(update.new, more=update.reason is Reason.MORE)
    return f"{state}{deaths}, {incident.unsettled} dead, group {incident.key}"


def _group_facts(update: IncidentUpdate) -> FactList:
    incident = update.incident
    facts = [("Error", _line(incident.text, _LONGEST_ERROR)), ("Queue", holding_queue(incident.name))]
    if incident.place:
        facts.append(("Place", _line(incident.place, 255)))
    if update.reason.is_recovery:
        lasted = (incident.closed_at or incident.last_at) - incident.opened_at
        return [*facts, ("Lasted", _span(lasted)), ("In all", f"{incident.total} since {_time(incident.first_at)}")]
    shown = [_line(mask_text(message_id), 128) for message_id in incident.message_ids[: max(update.new, 1)]]
    others = f" and {update.new - len(shown)} more" if update.new > len(shown) else ""
    if shown:
        facts.append(("Messages", f"{', '.join(shown)}{others}"))
    facts.append(("Since", f"{_time(update.since)}, last {_time(incident.last_at)}"))
    if update.new < incident.total:
        facts.append(("In all", f"{incident.total} since {_time(incident.first_at)}, {incident.unsettled} dead now"))
    if incident.hour_before:
        facts.append(("Trend", f"{incident.last_hour} in the last hour, {incident.hour_before} in the hour before"))
    return facts


def _condition_facts(update: IncidentUpdate) -> FactList:
    incident = update.incident
    if update.reason.is_recovery:
        return [
            ("Was", _line(incident.text, _LONGEST_ERROR)),
            ("Cleared", _time(incident.closed_at or incident.last_at)),
        ]
    return [("What", _line(incident.text, _LONGEST_ERROR)), ("Since", _time(incident.first_at))]


def _group_commands(update: IncidentUpdate) -> list[str]:
    incident = update.incident
    if update.reason.is_recovery:
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


def _condition_commands(update: IncidentUpdate) -> list[str]:
    advice = [update.incident.advice] if update.incident.advice else []
    return [] if update.reason.is_recovery else [*advice, f"postroom alerts mute {update.incident.key} --for 2h"]


_FACTS: dict[IncidentType, Callable[[IncidentUpdate], FactList]] = {
    IncidentType.FAILURES: _group_facts,
    IncidentType.CONDITION: _condition_facts,
}
_COMMANDS: dict[IncidentType, Callable[[IncidentUpdate], list[str]]] = {
    IncidentType.FAILURES: _group_commands,
    IncidentType.CONDITION: _condition_commands,
}


def _details(update: IncidentUpdate) -> dict[str, Any]:
    incident = update.incident
    names = ("queue", "error_type") if incident.about is IncidentType.FAILURES else ("subject", "condition")
    return {
        "about": incident.about.value,
        "group": incident.key,
        names[0]: incident.name,
        names[1]: incident.what,
        "error": _line(incident.text, _LONGEST_ERROR),
        "place": incident.place,
        "state": update.reason.value,
        "severity": incident.severity.value,
        "new": update.new,
        "count": incident.total,
        "dead": incident.unsettled,
        "since": incident.opened_at.isoformat(),
    }


def _line(text: str, limit: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _span(span: timedelta) -> str:
    return write_duration(timedelta(seconds=round(max(span.total_seconds(), 1))))


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
