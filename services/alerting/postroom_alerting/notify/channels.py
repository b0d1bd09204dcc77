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
from postroom_alerting.notify.formats import format_for, resolves_incidents
from postroom_alerting.notify.notifier import Notification, NotificationFailed, Notifier
from postroom_alerting.settings import AlertingSettings

log = logging.getLogger(__name__)

_TYPES = {
    IncidentSeverity.INFO: apprise.NotifyType.INFO,
    IncidentSeverity.WARNING: apprise.NotifyType.WARNING,
    IncidentSeverity.CRITICAL: apprise.NotifyType.FAILURE,
}
_SHORTEST_SECRET = 6  # shorter parts of a URL are words like `json` or a port


class LogNotifier:
    """Writes notifications to this service's log: the channel when no other is configured."""

    channel = "log"

    def __init__(self, name: str = channel) -> None:
        self.channel = name

    async def notify(self, notification: Notification) -> None:
        """See Notifier."""
        log.log(
            logging.INFO if notification.reason.is_recovery else logging.ERROR,
            "%s\n%s",
            notification.title,
            notification.body,
        )


class AppriseNotifier:
    """One notification URL of apprise: Slack, e-mail, a webhook, and some 130 more.

    Args:
        url: a secret. Raises ConfigurationError, which does not show it, when apprise cannot use it.
        origin: where it was configured, for the error's text.
        name: the channel's; derived from the URL when empty.
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
        self._resolves_incidents = resolves_incidents(plugin)
        self.channel = name or f"{scheme}-{hashlib.sha256(url.encode()).hexdigest()[:10]}"

    async def notify(self, notification: Notification) -> None:
        """See Notifier. All parts of a digest are sent, also when the channel does not take one of them."""
        parts = (self._resolves_incidents and notification.parts) or (notification,)
        if not all(await asyncio.gather(*map(self._send, parts))):
            raise NotificationFailed(f"{self.channel} did not take the alert")

    async def _send(self, notification: Notification) -> bool:
        plugin: Any = apprise.Apprise.instantiate(self._url)  # format_for sets options on it for this notification
        formatted = format_for(plugin, notification)
        if formatted is None:
            return True
        title, body, body_format = formatted
        service = apprise.Apprise(asset=apprise.AppriseAsset(app_id="Postroom"))
        service.add(plugin)
        # apprise's own asynchronous call works in threads: its plugins block.
        return bool(
            await service.async_notify(
                title=title, body=body, notify_type=_type_of(notification), body_format=body_format
            )
        )


def _type_of(notification: Notification) -> apprise.NotifyType:
    if notification.reason.is_recovery:
        return apprise.NotifyType.SUCCESS
    return _TYPES[notification.severity]


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
    """Hide all parts of `urls` that may be secret in the logs of apprise and of the HTTP client under it."""
    secrets = _Secrets(urls)
    for name in ("apprise", "urllib3.connectionpool", "requests"):
        logger = logging.getLogger(name)
        # Below WARNING they log addresses and bodies; why a request failed is a warning.
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
        """Replace secrets in the record's text; let every record through."""
        if self._secret is not None:
            record.msg, record.args = self._secret.sub(HIDDEN, record.getMessage()), ()
        return True
