"""Settings for channels, rules and what is kept. Read from variables that begin with ALERTING_."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

# Only a comma before the next URL separates: some notification URLs have commas of their own.
_BETWEEN_URLS = re.compile(r"[,\s]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")


class AlertingSettings(BaseSettings):
    """The alerting service's settings. The channels' URLs are secrets: with one, anybody can write to the channel."""

    model_config = SettingsConfigDict(env_prefix="ALERTING_", env_ignore_empty=True, extra="ignore")

    channels: SecretStr = SecretStr("")
    rules: Path | None = None
    interval_minutes: float = Field(default=15, gt=0, le=10_080)  # up to a week
    keep: Literal["all", "samples"] = "all"
    samples: int = Field(default=100, ge=1, le=100_000)
    management_ui_url: str = Field(default="", pattern=r"^(https?://[^\s@]+)?$")
    runbook_url: str = Field(default="", pattern=r"^(https?://[^\s@]+)?$")

    @property
    def interval(self) -> timedelta:
        """The time from one notification of an incident to the next on the same channel."""
        return timedelta(minutes=self.interval_minutes)

    @property
    def kept_samples(self) -> int | None:
        """How many messages of a group are kept; None for all."""
        return self.samples if self.keep == "samples" else None

    def channel_urls(self) -> list[str]:
        """The notification URLs; without any, notifications are lines of the log."""
        given = self.channels.get_secret_value().strip().strip(",")
        return [url.strip() for url in _BETWEEN_URLS.split(given) if url.strip()]
