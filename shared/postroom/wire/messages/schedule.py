"""The jobs and the events of the scheduler."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from postroom.durations import Duration
from postroom.wire.messages.base import Event, Job

ScheduleName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=150)]
Kind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+$", max_length=200)]


class ScheduledMessageOptions(BaseModel):
    """The wire's headers for what a schedule publishes; see docs/wire.md.

    Attributes:
        expires_after: useless so long after the fire time; it then ends as a dead letter.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    attempts: int | None = Field(default=None, ge=1)
    backoff: Literal["fixed", "exponential"] | None = None
    backoff_seconds: float | None = Field(default=None, gt=0)
    delay_seconds: float | None = Field(default=None, ge=0)
    expires_after: Duration | None = None


class SetSchedule(Job):
    """Make a schedule, or change the one of that name. The same fields make an entry of the schedules file.

    Attributes:
        cron: five fields, or six with seconds first; `@daily` and its like, `@every 15m`, `EVERY_DAY_AT_2AM`.
        every: an interval, counted from `start`, or from 1970 on.
        at: one moment. Times without an offset are of `time_zone`.
        jitter: each tick waits for up to so long, the same in every scheduler.
        job, event: the kind that is published. Texts in `body` may use `{{ fire_time }}`, `{{ last_fire_time }}`
            and `{{ schedule }}`.
        catch_up: which ticks of a downtime are published afterwards: none, the last one, or all up to
            `catch_up_limit`, the latest.
        overlap: whether a tick is published while the job of the last one is not done.
    """

    kind: ClassVar[str] = "scheduler.set"

    name: ScheduleName
    cron: str | None = Field(default=None, max_length=200)
    every: Annotated[Duration, Field(ge=timedelta(seconds=1))] | None = None
    at: datetime | None = None
    time_zone: str = "UTC"
    start: datetime | None = None
    end: datetime | None = None
    jitter: Annotated[Duration, Field(ge=timedelta(0), le=timedelta(days=1))] = timedelta(0)
    job: Kind | None = None
    event: Kind | None = None
    body: dict[str, Any] = Field(default_factory=dict)
    headers: dict[str, str | int | float | bool] = Field(default_factory=dict)
    options: ScheduledMessageOptions = ScheduledMessageOptions()
    catch_up: Literal["skip", "latest", "all"] = "latest"
    catch_up_limit: int = Field(default=100, ge=1, le=10_000)
    overlap: Literal["allow", "skip"] = "allow"
    paused: bool = False

    @model_validator(mode="after")
    def _check_alternatives(self) -> Self:
        if sum(value is not None for value in (self.cron, self.every, self.at)) != 1:
            raise ValueError("give exactly one of cron, every and at")
        if (self.job is None) == (self.event is None):
            raise ValueError("give either job or event")
        if self.event is not None and self.overlap == "skip":
            raise ValueError("overlap: skip is for jobs: nobody says when an event is done")
        return self


class RemoveSchedule(Job):
    """Remove a schedule, or the far job of that message id. What was already published stays."""

    kind: ClassVar[str] = "scheduler.remove"

    name: str


class DeferJob(Job):
    """Publish a job at a moment that is too far away to wait for at the broker.

    Attributes:
        at: when. The job keeps its message id, so it is done once.
        job: its kind; `body`, `headers` and the rest are published as they are.
    """

    kind: ClassVar[str] = "scheduler.defer"

    at: datetime
    job: Kind
    job_id: str = Field(min_length=1, max_length=255)
    body: dict[str, Any]
    headers: dict[str, Any] = Field(default_factory=dict)
    correlation_id: str | None = None
    app_id: str | None = None


class ScheduleFired(Event):
    """A schedule's time came."""

    kind: ClassVar[str] = "schedule.fired"

    schedule: str
    fire_time: datetime


class SchedulerMeasured(Event):
    """How late a scheduler is; published by each of its processes once a minute.

    Attributes:
        at: when that was so.
        late_seconds: how long the oldest tick that is due has waited to be published; 0 when none waits.
        due: how many ticks wait.
    """

    kind: ClassVar[str] = "scheduler.measured"

    instance: str = Field(max_length=255)
    at: AwareDatetime
    late_seconds: float = Field(ge=0)
    due: int = Field(ge=0)


def rfc3339(moment: datetime) -> str:
    """`moment` as the wire has it: UTC, with `Z`, and with a fraction only where there is one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
