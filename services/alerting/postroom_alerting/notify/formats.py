"""Formats a notification for each kind of channel. Kinds that are not listed here get plain text."""

import html
import re
from collections.abc import Callable
from typing import Any

import apprise

from postroom_alerting.classification import IncidentSeverity
from postroom_alerting.notify.notifications import Reason
from postroom_alerting.notify.notifier import Notification

MARKS = {IncidentSeverity.INFO: "🔵", IncidentSeverity.WARNING: "🟠", IncidentSeverity.CRITICAL: "🔴"}
OVER = "🟢"

_LONGEST_TITLE = 140  # Slack takes 150 characters in a header
_LONGEST_BODY = 2000  # Slack takes 3,000 in a section, commands and links included
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#~|])")

Formatted = tuple[str, str, str]
"""Title, body and apprise's name for the body's format."""


def resolves_incidents(plugin: Any) -> bool:
    """Whether a message opens or resolves an incident in the channel: then it gets the parts of a digest instead."""
    return type(plugin).__name__ == "NotifyPagerDuty"


def format_for(plugin: Any, notification: Notification) -> Formatted | None:
    """Set the options of `plugin`, which is used for this notification only. None when the channel does not get it."""
    # By name, for apprise imports a plugin and its libraries only when a URL needs it.
    for kind in type(plugin).__mro__:
        if kind.__name__ in _FORMS:
            return _FORMS[kind.__name__](plugin, notification)
    return notification.title, notification.body, apprise.NotifyFormat.TEXT


def marked(notification: Notification) -> str:
    """The title, with a mark for its severity."""
    return f"{OVER if notification.reason.is_recovery else MARKS[notification.severity]} {notification.title}"


def _slack(plugin: Any, notification: Notification) -> Formatted:
    plugin.use_blocks, plugin.include_footer, plugin.include_image = True, False, False
    # As code, for an error's text may contain formatting characters.
    facts = "\n".join(f"**{name}:** `{_in_code(text)}`" for name, text in notification.facts)
    commands = "\n".join(map(_in_code, notification.commands))
    parts = [
        _cut(facts) or _escape(notification.body),
        f"```\n{commands}\n```" if commands else "",
        _links(notification),
    ]
    return _cut(marked(notification), _LONGEST_TITLE), "\n\n".join(filter(None, parts)), apprise.NotifyFormat.MARKDOWN


def _teams(plugin: Any, notification: Notification) -> Formatted:
    plugin.include_image = False
    facts = "\n\n".join(f"**{_escape(name)}:** {_escape(text)}" for name, text in notification.facts)
    commands = "\n\n".join(map(_escape, notification.commands))
    parts = [facts or _escape(notification.body), commands, _links(notification)]
    return marked(notification), "\n\n".join(filter(None, parts)), apprise.NotifyFormat.MARKDOWN


def _mail(plugin: Any, notification: Notification) -> Formatted:
    if plugin.notify_format == apprise.NotifyFormat.TEXT:  # the URL asks for it
        return marked(notification), notification.body, apprise.NotifyFormat.TEXT
    facts = "".join(
        f"<tr><td><b>{html.escape(name)}</b></td><td>{html.escape(text)}</td></tr>" for name, text in notification.facts
    )
    body = f"<table>{facts}</table>" if facts else f"<pre>{html.escape(notification.body)}</pre>"
    commands = html.escape("\n".join(notification.commands))
    links = "".join(
        f'<p><a href="{html.escape(url)}">{html.escape(label)}</a></p>' for label, url in notification.links
    )
    return marked(notification), f"{body}<pre>{commands}</pre>{links}", apprise.NotifyFormat.HTML


def _pagerduty(plugin: Any, notification: Notification) -> Formatted | None:
    """One incident of PagerDuty's for each of ours, resolved with it. More deaths and digests are not sent."""
    if notification.reason in {Reason.MORE, Reason.DIGEST}:
        return None
    details = notification.details
    plugin.action, plugin.include_image = "map", False
    plugin.dedup = f"postroom-{details.get('group', 'test')}"
    plugin.severity = notification.severity.value
    plugin.component = str(details.get("queue") or details.get("subject") or "postroom")
    plugin.details = dict(notification.facts)
    plugin.click = next((url for _label, url in notification.links), None)
    return "", notification.title, apprise.NotifyFormat.TEXT


def _json(plugin: Any, notification: Notification) -> Formatted:
    plugin.payload_extras = {**notification.details, **plugin.payload_extras}
    return notification.title, notification.body, apprise.NotifyFormat.TEXT


_FORMS: dict[str, Callable[[Any, Notification], Formatted | None]] = {
    "NotifySlack": _slack,
    "NotifyWorkflows": _teams,
    "NotifyEmail": _mail,
    "NotifyPagerDuty": _pagerduty,
    "NotifyJSON": _json,
}


def _links(notification: Notification) -> str:
    return " ".join(f"[{label}]({url})" for label, url in notification.links)


def _in_code(text: str) -> str:
    return text.replace("`", "'") or "-"


def _escape(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


def _cut(text: str, most: int = _LONGEST_BODY) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
