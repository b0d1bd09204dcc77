"""The jobs of the maintenance service, mostly published by the scheduler."""

from typing import ClassVar

from pydantic import Field

from postroom.wire.messages.base import Job


class Clean(Job):
    """Delete what is older than `older_than_days` in `target` (`reports`, `history`, `temporary-files`, …)."""

    kind: ClassVar[str] = "maintenance.clean"

    target: str
    older_than_days: int = Field(ge=0)


class BackUp(Job):
    """Back up `target`, or every database when it is absent."""

    kind: ClassVar[str] = "maintenance.back-up"

    target: str | None = None


class Archive(Job):
    """Move history older than `older_than_days` into compressed files; of the service `target`, or of all."""

    kind: ClassVar[str] = "maintenance.archive"

    older_than_days: int = Field(ge=1)
    target: str | None = None


class RefreshTokens(Job):
    """Get new OAuth2 access tokens: for the credential `name`, or for each that soon runs out."""

    kind: ClassVar[str] = "maintenance.refresh-tokens"

    name: str | None = None
