"""Settings every service shares, read from the environment when a program starts, never at import.

Secrets are SecretStr: they do not show in logs, errors or `repr`.
"""

from enum import StrEnum
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from postroom.wire.errors import ConfigurationError

DEFAULT_AMQP_URL = "amqp://guest:guest@127.0.0.1:5672/"


class RuntimeSettings(BaseSettings):
    """What the runtime needs to know, from variables that begin with POSTROOM_."""

    model_config = SettingsConfigDict(env_prefix="POSTROOM_", env_ignore_empty=True, extra="ignore")

    amqp_url: SecretStr = SecretStr(DEFAULT_AMQP_URL)
    management_url: SecretStr | None = None
    database_url: SecretStr | None = None
    token_key: SecretStr | None = None
    health_host: str = "127.0.0.1"
    health_port: int = Field(default=8080, ge=0, le=65535)
    data_dir: Path = Path("var")
    drain_seconds: float = Field(default=25, gt=0)  # under Kubernetes' 30 s between SIGTERM and SIGKILL
    log_format: Literal["auto", "json", "text"] = "auto"  # auto: text on a terminal, JSON elsewhere
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("amqp_url")
    @classmethod
    def _check_amqp_url(cls, url: SecretStr) -> SecretStr:
        parts = urlsplit(url.get_secret_value())
        if parts.scheme not in {"amqp", "amqps"} or not parts.hostname:
            raise ValueError("use amqp://user:password@host:5672/virtual-host, or amqps://")
        return url

    def service_database_url(self, service: str) -> str:
        """The database of one service: its SQLite file, or the given server (one schema per service)."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite+aiosqlite:///{self.data_dir.absolute() / service}.sqlite3"

    def broker_management(self) -> tuple[str, str, str]:
        """Base URL, user and password of the management API, derived from the AMQP URL where not given."""
        amqp = urlsplit(self.amqp_url.get_secret_value())
        given = urlsplit(self.management_url.get_secret_value()) if self.management_url else None
        user = unquote((given and given.username) or amqp.username or "guest")
        password = unquote((given and given.password) or amqp.password or "guest")
        if given is None:
            return f"http://{amqp.hostname or '127.0.0.1'}:15672", user, password
        port = f":{given.port}" if given.port else ""
        return f"{given.scheme}://{given.hostname}{port}{given.path.rstrip('/')}", user, password

    def virtual_host(self) -> str:
        """The virtual host of the AMQP URL: its path, `/` when that is empty."""
        return unquote(urlsplit(self.amqp_url.get_secret_value()).path[1:]) or "/"


class JobRunner(StrEnum):
    """Which process does jobs, and whether schedules fire.

    QUEUE: a service does what is published; schedules do not fire by themselves.
    CRON: the scheduler's own process does everything, at its time, without a broker.
    HYBRID: schedules publish, a service does it.
    """

    QUEUE = "queue"
    CRON = "cron"
    HYBRID = "hybrid"


class DispatchSettings(BaseSettings):
    """The setting JOB_RUNNER."""

    model_config = SettingsConfigDict(env_prefix="JOB_", env_ignore_empty=True, extra="ignore")

    runner: JobRunner = JobRunner.HYBRID


class ReportStorageSettings(BaseSettings):
    """Where the report service puts its documents, for services that read or remove them."""

    model_config = SettingsConfigDict(env_prefix="REPORT_", env_ignore_empty=True, extra="ignore")

    storage_url: SecretStr | None = None

    def prefix(self, data_dir: Path) -> str:
        """The storage's URL; a folder under `data_dir` when none is given."""
        if self.storage_url is not None:
            return self.storage_url.get_secret_value()
        return (data_dir.absolute() / "reports").as_uri()


Settings = TypeVar("Settings", bound=BaseSettings)


def read_settings(model: type[Settings]) -> Settings:
    """Read `model` from the environment; ConfigurationError names each variable that is wrong."""
    try:
        return model()
    except ValidationError as error:
        prefix = str(model.model_config.get("env_prefix", ""))
        problems = (
            f"{prefix}{'.'.join(str(part) for part in problem['loc'])}".upper() + f": {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        )
        raise ConfigurationError("settings are wrong: " + "; ".join(problems)) from None
