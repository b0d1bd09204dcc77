"""The rules of this installation, from the settings: those of a file, or all channels for everything."""

from collections.abc import Sequence

from postroom_alerting.rules.routes import Rules
from postroom_alerting.rules.rules_file import read_rules_file
from postroom_alerting.settings import AlertingSettings


def load_rules(settings: AlertingSettings) -> Rules:
    """Read the rules alone, without the channels' secrets, when nothing is sent. Raises ConfigurationError."""
    if settings.rules is None:
        return all_channels(settings, ())
    return read_rules_file(settings.rules).to_rules(settings.interval)


def all_channels(settings: AlertingSettings, names: Sequence[str]) -> Rules:
    """What holds without a file: these channels are notified of everything."""
    return Rules(tuple(names), settings.interval, settings.interval)
