"""A notice in the form that each kind of channel shows best. What is not named here gets plain text."""

import html
import re
from collections.abc import Callable
from typing import Any

import apprise

from postroom_alerting.classification import IncidentSeverity
from postroom_alerting.notify.notifications import News
from postroom_alerting.notify.notifier import Notice

MARKS = {IncidentSeverity.INFO: "🔵", IncidentSeverity.WARNING: "🟠", IncidentSeverity.CRITICAL: "🔴"}
OVER = "🟢"

_LONGEST_TITLE = 140  # Slack takes 150 characters in a header
_LONGEST_BODY = 2000  # Slack takes 3,000 in a section, commands and links included
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#~|])")

Formatted = tuple[str, str, str]
"""Title, body and apprise's name for the body's format."""


def has_incidents(plugin: Any) -> bool:
    """Whether each thing is an incident of its own there: then it is sent the parts of a digest."""
    return type(plugin).__name__ == "NotifyPagerDuty"


def dress(plugin: Any, notice: Notice) -> Formatted | None:
    """Prepare `plugin`, which is for this notice alone. None when the channel has no use for it."""
    # By name: apprise loads a plugin, and what that needs, when it is asked for.
    for kind in type(plugin).__mro__:
        if kind.__name__ in _FORMS:
            return _FORMS[kind.__name__](plugin, notice)
    return notice.title, notice.body, apprise.NotifyFormat.TEXT


def marked(notice: Notice) -> str:
    """The title with a mark that shows how much it matters."""
    return f"{OVER if notice.news.is_good else MARKS[notice.severity]} {notice.title}"


def _slack(plugin: Any, notice: Notice) -> Formatted:
    plugin.use_blocks, plugin.include_footer, plugin.include_image = True, False, False
    # In code nothing is formatting: error texts come from anywhere.
    facts = "\n".join(f"**{name}:** `{_in_code(text)}`" for name, text in notice.facts)
    commands = "\n".join(map(_in_code, notice.commands))
    parts = [_cut(facts) or _escape(notice.body), f"```\n{commands}\n```" if commands else "", _links(notice)]
    return _cut(marked(notice), _LONGEST_TITLE), "\n\n".join(filter(None, parts)), apprise.NotifyFormat.MARKDOWN


def _teams(plugin: Any, notice: Notice) -> Formatted:
    plugin.include_image = False
    facts = "\n\n".join(f"**{_escape(name)}:** {_escape(text)}" for name, text in notice.facts)
    commands = "\n\n".join(map(_escape, notice.commands))
    parts = [facts or _escape(notice.body), commands, _links(notice)]
    return marked(notice), "\n\n".join(filter(None, parts)), apprise.NotifyFormat.MARKDOWN


def _mail(plugin: Any, notice: Notice) -> Formatted:
    if plugin.notify_format == apprise.NotifyFormat.TEXT:  # the URL asks for it
        return marked(notice), notice.body, apprise.NotifyFormat.TEXT
    facts = "".join(
        f"<tr><td><b>{html.escape(name)}</b></td><td>{html.escape(text)}</td></tr>" for name, text in notice.facts
    )
    body = f"<table>{facts}</table>" if facts else f"<pre>{html.escape(notice.body)}</pre>"
    commands = html.escape("\n".join(notice.commands))
    links = "".join(f'<p><a href="{html.escape(url)}">{html.escape(label)}</a></p>' for label, url in notice.links)
    return marked(notice), f"{body}<pre>{commands}</pre>{links}", apprise.NotifyFormat.HTML


def _pagerduty(plugin: Any, notice: Notice) -> Formatted | None:
    """One incident for each group or condition, which its end resolves. More of the same is no news there."""
    if notice.news in {News.MORE, News.DIGEST}:
        return None
    details = notice.details
    plugin.action, plugin.include_image = "map", False
    plugin.dedup = f"postroom-{details.get('group', 'test')}"
    plugin.severity = notice.severity.value
    plugin.component = str(details.get("queue") or details.get("subject") or "postroom")
    plugin.details = dict(notice.facts)
    plugin.click = next((url for _label, url in notice.links), None)
    return "", notice.title, apprise.NotifyFormat.TEXT


def _json(plugin: Any, notice: Notice) -> Formatted:
    plugin.payload_extras = {**notice.details, **plugin.payload_extras}
    return notice.title, notice.body, apprise.NotifyFormat.TEXT


_FORMS: dict[str, Callable[[Any, Notice], Formatted | None]] = {
    "NotifySlack": _slack,
    "NotifyWorkflows": _teams,
    "NotifyEmail": _mail,
    "NotifyPagerDuty": _pagerduty,
    "NotifyJSON": _json,
}


def _links(notice: Notice) -> str:
    return " ".join(f"[{label}]({url})" for label, url in notice.links)


def _in_code(text: str) -> str:
    return text.replace("`", "'") or "-"


def _escape(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


def _cut(text: str, most: int = _LONGEST_BODY) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
