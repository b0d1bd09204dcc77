"""What the webhook service needs to know, from variables that begin with WEBHOOK_."""

from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from postroom_webhook.networks import AllowedAddresses, parse_networks
from postroom_webhook.signing import Secrets
from postroom_webhook.sync.sources import HeaderSecrets, Sources, read_sources


class WebhookSettings(BaseSettings):
    """Settings of the webhook service.

    Attributes:
        secrets: `name=whsec_…`, comma-separated; the same name twice signs with both.
        allowed_networks: networks that may be called although they are not public, `10.1.0.0/16`, comma-separated.
        calls: `http`, or `console` to print calls instead.
        timeout_seconds: for one delivery in all, from the lookup of the name to the last byte that is read.
        per_host: deliveries to one host and port at once, per process.
        keep_attempts: of each message, in the attempts log.
        ca_file: certificate authorities (PEM) to trust beside the system's.
        sync_file: sources by name (YAML).
        sync_secrets: `name@https://host=value`, comma-separated: values of `secret_headers`.
        sync_max_bytes: of one page of a source.
        sync_timeout_seconds: for one page of a source in all.
    """

    model_config = SettingsConfigDict(env_prefix="WEBHOOK_", env_ignore_empty=True, extra="ignore")

    secrets: SecretStr | None = None
    allowed_networks: str = ""
    calls: Literal["http", "console"] = "http"
    timeout_seconds: float = Field(default=15, gt=0, le=60)
    per_host: int = Field(default=10, ge=1, le=40)  # twice as many may be here at once: a fifth of the prefetch
    keep_attempts: int = Field(default=10, ge=1, le=1000)
    ca_file: Path | None = None
    sync_file: Path | None = None
    sync_secrets: SecretStr | None = None
    sync_max_bytes: int = Field(default=16 * 1024 * 1024, ge=1024, le=256 * 1024 * 1024)
    sync_timeout_seconds: float = Field(default=60, gt=0, le=240)

    @property
    def timeout(self) -> timedelta:
        """For one delivery."""
        return timedelta(seconds=self.timeout_seconds)

    @property
    def sync_timeout(self) -> timedelta:
        """For one page."""
        return timedelta(seconds=self.sync_timeout_seconds)

    def signing(self) -> Secrets:
        """The signing secrets. Raises ConfigurationError."""
        return Secrets(_text(self.secrets))

    def allowed(self) -> AllowedAddresses:
        """Which addresses may be called. Raises ConfigurationError."""
        return AllowedAddresses(parse_networks(self.allowed_networks, "WEBHOOK_ALLOWED_NETWORKS"))

    def sources(self) -> Sources:
        """The sources known by name. Raises ConfigurationError."""
        return Sources(read_sources(self.sync_file), HeaderSecrets(_text(self.sync_secrets)))


def _text(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""
