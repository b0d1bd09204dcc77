"""Rules, and the route of an incident: the channels that are notified of it, how often, and to whom it escalates."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from postroom.durations import Duration
from postroom_alerting.classification import IncidentSeverity, IncidentType

INTERVAL = timedelta(minutes=15)

RuleDuration = Annotated[Duration, Field(gt=timedelta(0), le=timedelta(days=30))]
ChannelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]


class Escalation(BaseModel):
    """Channels that are notified as well when an incident is still open after a time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: RuleDuration
    to: Annotated[list[ChannelName], Field(min_length=1)]


class Rule(BaseModel):
    """Which incidents go to which channels. Patterns are as in a shell: `email.*`. The first rule that matches counts.

    Attributes:
        queue: pattern for the queue that messages died in, or for the subject of a condition.
        error: pattern for the error's type. Such a rule matches no condition.
        condition: pattern for the condition's kind. Such a rule matches no failures.
        severity: replaces the default: `warning` for failures, its own for a condition.
        interval: the time from one notification of the incident to the next.
        drop: record it, and notify nobody.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    queue: str | None = None
    error: str | None = None
    condition: str | None = None
    severity: IncidentSeverity | None = None
    to: list[ChannelName] = Field(default_factory=list)
    interval: RuleDuration | None = None
    escalate: Escalation | None = None
    drop: bool = False

    @model_validator(mode="after")
    def _check_target(self) -> Self:
        if self.error is not None and self.condition is not None:
            raise ValueError("give error or condition: nothing is both")
        if self.drop and (self.to or self.escalate):
            raise ValueError("drop notifies nobody: leave out `to` and `escalate`, or drop")
        if not self.drop and not self.to:
            raise ValueError("to: name at least one channel, or write `drop: true`")
        return self

    def matches(self, about: IncidentType, name: str, what: str) -> bool:
        """Whether the rule matches the error type or condition kind `what` of the queue or subject `name`."""
        if about is IncidentType.FAILURES and self.condition is not None:
            return False
        if about is IncidentType.CONDITION and self.error is not None:
            return False
        pattern = self.error if about is IncidentType.FAILURES else self.condition
        return fnmatchcase(name, self.queue or "*") and fnmatchcase(what, pattern or "*")


@dataclass(frozen=True, slots=True)
class Route:
    """Where one incident goes.

    Attributes:
        severity: None for the default.
        rule: the number of the rule, from 1; None when no rule matched: then every channel is notified.
    """

    channels: tuple[str, ...]
    interval: timedelta
    severity: IncidentSeverity | None = None
    escalate_after: timedelta | None = None
    escalate_to: tuple[str, ...] = ()
    rule: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules in their order.

    Attributes:
        channels: the names of all channels. They are notified of what no rule matches.
        interval: the default of rules without one.
        digest: the time from one digest on a channel to the next.
    """

    channels: tuple[str, ...]
    interval: timedelta = INTERVAL
    digest: timedelta = INTERVAL
    rules: Sequence[Rule] = field(default=())

    def route(self, about: IncidentType, name: str, what: str) -> Route:
        """The route of an incident; see Rule.matches."""
        for number, rule in enumerate(self.rules, start=1):
            if rule.matches(about, name, what):
                return self._of(rule, number)
        return Route(self.channels, self.interval)

    def _of(self, rule: Rule, number: int) -> Route:
        escalation = rule.escalate
        return Route(
            channels=tuple(dict.fromkeys(rule.to)),
            interval=rule.interval or self.interval,
            severity=rule.severity,
            escalate_after=escalation.after if escalation else None,
            escalate_to=tuple(dict.fromkeys(escalation.to)) if escalation else (),
            rule=number,
        )
