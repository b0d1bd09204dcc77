"""What maintenance needs to know, from variables that begin with MAINTENANCE_."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class MaintenanceSettings(BaseSettings):
    """Settings of maintenance.

    Attributes:
        storage_url: where back-ups and archives are put; a folder under the data folder when none is given.
        keep_daily, keep_weekly, keep_monthly: of how many days, weeks and months a back-up is kept.
    """

    model_config = SettingsConfigDict(env_prefix="MAINTENANCE_", env_ignore_empty=True, extra="ignore")

    storage_url: SecretStr | None = None
    keep_daily: int = Field(default=7, ge=1)
    keep_weekly: int = Field(default=4, ge=0)
    keep_monthly: int = Field(default=12, ge=0)

    def storage_prefix(self, data_dir: Path) -> str:
        """Where back-ups and archives go."""
        return self.storage_url.get_secret_value() if self.storage_url else (data_dir.absolute() / "kept").as_uri()
