"""The channels and the rules, from the settings: a rules file, or all channels for everything."""

from collections.abc import Sequence
from dataclasses import dataclass

from postroom.settings import RuntimeSettings
from postroom_alerting.notify.channels import open_channels, open_named
from postroom_alerting.notify.notifier import Notifier
from postroom_alerting.notify.wording import Links
from postroom_alerting.rules.routes import Rules
from postroom_alerting.rules.rules_file import channel_urls, read_rules_file
from postroom_alerting.settings import AlertingSettings


@dataclass(frozen=True, slots=True)
class Desk:
    """Who can be told, and who is."""

    channels: list[Notifier]
    rules: Rules


def open_desk(settings: AlertingSettings) -> Desk:
    """The desk of these settings. Raises ConfigurationError for a file or a URL that cannot be used."""
    if settings.rules is None:
        channels = open_channels(settings)
        return Desk(channels, _for_all(settings, [channel.channel for channel in channels]))
    found = read_rules_file(settings.rules)
    channels = open_named(channel_urls(found, settings.rules), str(settings.rules))
    return Desk(channels, found.to_rules(settings.interval))


def read_rules(settings: AlertingSettings) -> Rules:
    """The rules alone, for whoever tells nobody: they need no channel's secret. Raises ConfigurationError."""
    if settings.rules is None:
        return _for_all(settings, ())
    return read_rules_file(settings.rules).to_rules(settings.interval)


def _for_all(settings: AlertingSettings, names: Sequence[str]) -> Rules:
    return Rules(tuple(names), settings.interval, settings.interval)


def links_of(settings: AlertingSettings, runtime: RuntimeSettings) -> Links:
    """What alerts lead to."""
    return Links(settings.management_ui_url, runtime.virtual_host(), settings.runbook_url)
