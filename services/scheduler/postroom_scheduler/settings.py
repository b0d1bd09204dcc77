"""What the scheduler needs to know, from variables that begin with SCHEDULER_."""

from importlib.resources import files
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class SchedulerSettings(BaseSettings):
    """Settings of the scheduler.

    Attributes:
        file: the schedules file; the shipped one when none is named.
        api_token: opens the HTTP API to whoever sends it; without one there is no API.
        api_host, api_port: where it listens.
    """

    model_config = SettingsConfigDict(env_prefix="SCHEDULER_", env_ignore_empty=True, extra="ignore")

    file: Path | None = None
    api_token: SecretStr | None = Field(default=None, min_length=16)
    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8090, ge=0, le=65535)

    @property
    def schedules_file(self) -> Path:
        """The file that is read."""
        return self.file or Path(str(files("postroom_scheduler") / "schedules.yaml"))
