"""The alerting service's settings."""

from datetime import timedelta

import pytest

from postroom.settings import read_settings
from postroom.wire.errors import ConfigurationError
from postroom_alerting.settings import AlertingSettings


@pytest.mark.parametrize(
    ("given", "urls"),
    [
        ("", []),
        (" , ", []),
        ("slack://a/b/c", ["slack://a/b/c"]),
        ("slack://a/b/c, json://h/x,", ["slack://a/b/c", "json://h/x"]),
        ("slack://a/b/c\njson://h/x", ["slack://a/b/c", "json://h/x"]),
        ("mailto://u:p@h?to=a@x.org,b@x.org,json://h", ["mailto://u:p@h?to=a@x.org,b@x.org", "json://h"]),
    ],
)
def test_channels_are_separated_by_commas_between_urls(
    monkeypatch: pytest.MonkeyPatch, given: str, urls: list[str]
) -> None:
    monkeypatch.setenv("ALERTING_CHANNELS", given)

    assert AlertingSettings().channel_urls() == urls


def test_channels_do_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERTING_CHANNELS", "slack://canary")

    assert "canary" not in repr(AlertingSettings())


def test_the_default_interval_is_fifteen_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALERTING_INTERVAL_MINUTES", raising=False)
    assert AlertingSettings().interval == timedelta(minutes=15)

    monkeypatch.setenv("ALERTING_INTERVAL_MINUTES", "0.5")
    assert AlertingSettings().interval == timedelta(seconds=30)


def test_a_wrong_interval_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERTING_INTERVAL_MINUTES", "0")

    with pytest.raises(ConfigurationError, match="ALERTING_INTERVAL_MINUTES"):
        read_settings(AlertingSettings)
