"""The channels: a log line always, and whatever notification URLs name (apprise)."""

import asyncio
import hashlib
import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import apprise

from postroom.privacy.redaction import HIDDEN
from postroom.wire.errors import ConfigurationError
from postroom_alerting.classification import IncidentSeverity
from postroom_alerting.notify.formats import dress, has_incidents
from postroom_alerting.notify.notifier import Notice, NotificationFailed, Notifier
from postroom_alerting.settings import AlertingSettings

log = logging.getLogger(__name__)

_TYPES = {
    IncidentSeverity.INFO: apprise.NotifyType.INFO,
    IncidentSeverity.WARNING: apprise.NotifyType.WARNING,
    IncidentSeverity.CRITICAL: apprise.NotifyType.FAILURE,
}
_SHORTEST_SECRET = 6  # shorter parts of a URL are words like `json` or a port


class LogNotifier:
    """The channel of those who gave none: an alert is a line of this service's log."""

    channel = "log"

    def __init__(self, name: str = channel) -> None:
        self.channel = name

    async def notify(self, notice: Notice) -> None:
        """See Notifier."""
        log.log(logging.INFO if notice.news.is_good else logging.ERROR, "%s\n%s", notice.title, notice.body)


class AppriseNotifier:
    """One notification URL of apprise: Slack, e-mail, a webhook, and some 130 more.

    Args:
        url: a secret. Raises ConfigurationError, without showing it, when apprise cannot use it.
        origin: where it was given, to name it by when it is wrong.
        name: the channel's; made from the URL when empty.
    """

    def __init__(self, url: str, origin: str = "ALERTING_CHANNELS: entry 1", name: str = "") -> None:
        scheme = url.partition("://")[0][:20] if "://" in url else "no-scheme"
        plugin = apprise.Apprise.instantiate(url, suppress_exceptions=True)
        if plugin is None:
            raise ConfigurationError(
                f"{origin} ({scheme}://…) is no notification URL that apprise knows, or "
                "a part of it is missing; see the list of services in apprise's documentation"
            )
        self._url = url
        self._has_incidents = has_incidents(plugin)
        self.channel = name or f"{scheme}-{hashlib.sha256(url.encode()).hexdigest()[:10]}"

    async def notify(self, notice: Notice) -> None:
        """See Notifier. Of several parts all are sent, whichever the channel does not take."""
        parts = (self._has_incidents and notice.parts) or (notice,)
        if not all(await asyncio.gather(*map(self._send, parts))):
            raise NotificationFailed(f"{self.channel} did not take the alert")

    async def _send(self, notice: Notice) -> bool:
        plugin: Any = apprise.Apprise.instantiate(self._url)  # of this notice alone: its form is set on it
        formatted = dress(plugin, notice)
        if formatted is None:
            return True
        title, body, body_format = formatted
        service = apprise.Apprise(asset=apprise.AppriseAsset(app_id="Postroom"))
        service.add(plugin)
        # apprise's own asynchronous call works in threads: its plugins block.
        return bool(
            await service.async_notify(title=title, body=body, notify_type=_type_of(notice), body_format=body_format)
        )


def _type_of(notice: Notice) -> apprise.NotifyType:
    if notice.news.is_good:
        return apprise.NotifyType.SUCCESS
    return _TYPES[notice.severity]


def open_channels(settings: AlertingSettings) -> list[Notifier]:
    """The channels of ALERTING_CHANNELS, or the log. Raises ConfigurationError for a URL that cannot be used."""
    urls = list(dict.fromkeys(settings.channel_urls()))
    keep_out_of_logs(urls)
    channels: list[Notifier] = [
        AppriseNotifier(url, f"ALERTING_CHANNELS: entry {position}") for position, url in enumerate(urls, start=1)
    ]
    return channels or [LogNotifier()]


def open_named(urls: Mapping[str, str], origin: str) -> list[Notifier]:
    """The channels of a rules file, by name. `log` for a URL is the log of this service."""
    keep_out_of_logs([url for url in urls.values() if url != LogNotifier.channel])
    return [
        LogNotifier(name) if url == LogNotifier.channel else AppriseNotifier(url, f"{origin}: channel {name}", name)
        for name, url in urls.items()
    ]


def keep_out_of_logs(urls: list[str]) -> None:
    """Let no part of `urls` that may be a secret into the logs of apprise and of the HTTP client under it."""
    secrets = _Secrets(urls)
    for name in ("apprise", "urllib3.connectionpool", "requests"):
        logger = logging.getLogger(name)
        # What they say in detail quotes addresses and bodies; that they failed, and how, is a warning.
        logger.setLevel(logging.WARNING)
        logger.filters = [one for one in logger.filters if not isinstance(one, _Secrets)]
        logger.addFilter(secrets)


class _Secrets(logging.Filter):
    """Hides every longer part of the given URLs."""

    def __init__(self, urls: list[str]) -> None:
        super().__init__()
        parts = {part for url in urls for given in (url, unquote(url)) for part in re.split(r"[/?&=:@,#]+", given)}
        longest_first = sorted((part for part in parts if len(part) >= _SHORTEST_SECRET), key=len, reverse=True)
        self._secret = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record's text; let all records through."""
        if self._secret is not None:
            record.msg, record.args = self._secret.sub(HIDDEN, record.getMessage()), ()
        return True
