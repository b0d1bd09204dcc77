"""What the report service needs to know, from variables that begin with REPORT_."""

import re
from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from postroom.wire.errors import ConfigurationError

AUDIT = "audit"
"""The name of the audit service's database, which every report type may query."""

_ENTRY = re.compile(r"([A-Za-z_][A-Za-z0-9_-]{0,62})=([a-z0-9+]+:.+)", re.DOTALL)
_NEXT_ENTRY = re.compile(r",\s*(?=[A-Za-z_][A-Za-z0-9_-]*=[a-z0-9+]+:)")


class ReportSettings(BaseSettings):
    """Settings of the report service.

    Attributes:
        storage_url: where documents are put: `file:///folder`, `s3://bucket/prefix?endpoint=…`, `gs://…`, `az://…`.
        types_dir: a folder of report types; a name in it replaces the shipped type of that name.
        databases: what report types may query, comma-separated: `shop=postgresql://…,old=mysql+pymysql://…`.
        memory_mib: of each process that makes a report.
        time_limit_seconds: for making one report, from the first row to the last page.
        link_hours: how long the link in a mail works, where the storage has links that end.
        attach_limit_bytes: up to that size a mail carries the document itself.
        fonts_dir: more fonts for PDF, beside those of the system.
        letterhead_name, letterhead_lines, letterhead_logo: at the top of PDF and HTML; lines separated by `|`.
        csv_byte_order_mark: at the beginning of CSV; spreadsheet programs know by it that the text is UTF-8.
    """

    model_config = SettingsConfigDict(env_prefix="REPORT_", env_ignore_empty=True, extra="ignore")

    storage_url: SecretStr | None = None
    types_dir: Path | None = None
    databases: SecretStr = SecretStr("")
    memory_mib: int = Field(default=1024, ge=256)
    time_limit_seconds: float = Field(default=1200, gt=0, le=1440)  # under the job's own 25 min
    link_hours: float = Field(default=168, gt=0, le=168)  # S3 signs for 7 days at most
    attach_limit_bytes: int = Field(default=5 * 1024 * 1024, ge=0)
    fonts_dir: Path | None = None
    letterhead_name: str = ""
    letterhead_lines: str = ""
    letterhead_logo: Path | None = None
    csv_byte_order_mark: bool = True

    @property
    def link_time(self) -> timedelta:
        """How long links work."""
        return timedelta(hours=self.link_hours)

    def prefix(self, data_dir: Path) -> str:
        """The storage's URL; a folder under `data_dir` when none is given."""
        if self.storage_url is not None:
            return self.storage_url.get_secret_value()
        return (data_dir.absolute() / "reports").as_uri()

    def database_urls(self) -> dict[str, SecretStr]:
        """The databases by name. Raises ConfigurationError, which never has the URLs."""
        text = self.databases.get_secret_value().strip()
        found: dict[str, SecretStr] = {}
        for number, entry in enumerate(_NEXT_ENTRY.split(text) if text else [], start=1):
            match = _ENTRY.fullmatch(entry.strip())
            if match is None or match[1] in (*found, "inline", AUDIT):
                raise ConfigurationError(
                    f"REPORT_DATABASES: entry {number} is none; write name=driver://user:password@host/database; "
                    f"several with commas, each name once, and neither inline nor {AUDIT}"
                )
            found[match[1]] = SecretStr(match[2])
        return found
