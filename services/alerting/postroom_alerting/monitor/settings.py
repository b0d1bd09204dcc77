"""The monitor's settings, from variables that begin with ALERTING_."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from postroom.durations import read_duration
from postroom.service import Conditions


@dataclass(frozen=True, slots=True)
class AgeLimits:
    """How old the oldest message of a queue may be: the first pattern that matches decides, then its service."""

    by_pattern: tuple[tuple[str, timedelta], ...] = ()
    by_service: Mapping[str, timedelta] = field(default_factory=dict)

    def of(self, queue: str) -> timedelta:
        """The limit of one queue."""
        found = (limit for pattern, limit in self.by_pattern if fnmatchcase(queue, pattern))
        declared = self.by_service.get(queue.partition(".")[0], Conditions().oldest_message)
        return next(found, declared)


class MonitorSettings(BaseSettings):
    """Intervals and limits of the monitor's checks.

    Attributes:
        ignored_queues: patterns of queues that are nobody's business here, `shop.*, maintenance.*`.
        queue_limits: how long the oldest message of a queue may wait, `email.send=10m, report.*=2h`; elsewhere what its
            service declares, an hour by default.
    """

    model_config = SettingsConfigDict(env_prefix="ALERTING_", env_ignore_empty=True, extra="ignore")

    ignored_queues: str = ""
    watch_seconds: float = Field(default=2, gt=0, le=60)
    no_consumer_seconds: float = Field(default=15, ge=0, le=3600)
    growing_minutes: float = Field(default=10, gt=0, le=1440)
    growing_messages: int = Field(default=100, ge=1)
    queue_limits: str = ""
    scheduler_late_seconds: float = Field(default=30, gt=0)

    @field_validator("queue_limits")
    @classmethod
    def _check_queue_limits(cls, given: str) -> str:
        for part in _parts(given):
            _limit(part)
        return given

    def ignored_patterns(self) -> tuple[str, ...]:
        """The patterns of ignored queues one by one."""
        return tuple(_parts(self.ignored_queues))

    def age_limits(self, declared: Mapping[str, Conditions]) -> AgeLimits:
        """How old messages may be, with what services declare, by their names."""
        return AgeLimits(
            tuple(map(_limit, _parts(self.queue_limits))),
            {service: conditions.oldest_message for service, conditions in declared.items()},
        )


def _parts(given: str) -> list[str]:
    return [part.strip() for part in given.split(",") if part.strip()]


def _limit(part: str) -> tuple[str, timedelta]:
    pattern, _, age = (side.strip() for side in part.partition("="))
    if len(pattern.split()) != 1:
        raise ValueError(f"write pattern=10m, not {part!r}")
    try:
        return pattern, read_duration(age)
    except ValueError as error:
        raise ValueError(f"write pattern=10m, not {part!r}: {error}") from None
