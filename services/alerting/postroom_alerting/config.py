"""The channels and the rules, from the settings: a rules file, or all channels for everything."""

from dataclasses import dataclass

from postroom.settings import RuntimeSettings
from postroom_alerting.notify.channels import open_channels, open_named
from postroom_alerting.notify.notifier import Notifier
from postroom_alerting.notify.wording import Links
from postroom_alerting.rules.configured import all_channels
from postroom_alerting.rules.routes import Rules
from postroom_alerting.rules.rules_file import channel_urls, read_rules_file
from postroom_alerting.settings import AlertingSettings


@dataclass(frozen=True, slots=True)
class AlertingConfig:
    """The channels, and the rules that say which of them are notified."""

    channels: list[Notifier]
    rules: Rules


def open_config(settings: AlertingSettings) -> AlertingConfig:
    """Read the rules and open the channels. Raises ConfigurationError for a file or a URL that cannot be used."""
    if settings.rules is None:
        channels = open_channels(settings)
        return AlertingConfig(channels, all_channels(settings, [channel.channel for channel in channels]))
    found = read_rules_file(settings.rules)
    channels = open_named(channel_urls(found, settings.rules), str(settings.rules))
    return AlertingConfig(channels, found.to_rules(settings.interval))


def links_from(settings: AlertingSettings, runtime: RuntimeSettings) -> Links:
    """The links that notifications contain."""
    return Links(settings.management_ui_url, runtime.virtual_host(), settings.runbook_url)
