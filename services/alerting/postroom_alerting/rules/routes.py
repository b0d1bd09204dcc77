"""Who is told of what, how often, and who is told when nobody acts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from postroom.wire.messages.schedule import Duration
from postroom_alerting.classification import IncidentSeverity, IncidentType

INTERVAL = timedelta(minutes=15)

Span = Annotated[Duration, Field(gt=timedelta(0), le=timedelta(days=30))]
ChannelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]


class Escalation(BaseModel):
    """Who is told as well of what is still open after so long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Span
    to: Annotated[list[ChannelName], Field(min_length=1)]


class Rule(BaseModel):
    """What of it matches goes where. Patterns are of the shell's kind: `email.*`; the first rule that matches counts.

    Attributes:
        queue: the queue that messages died in; the subject of a condition.
        error: the error's type. A rule with it matches no condition.
        condition: the condition's kind. A rule with it matches no failures.
        severity: instead of `warning` for failures, and of a condition's own.
        interval: from one message about a group to the next.
        drop: record it, and tell nobody.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    queue: str | None = None
    error: str | None = None
    condition: str | None = None
    severity: IncidentSeverity | None = None
    to: list[ChannelName] = Field(default_factory=list)
    interval: Span | None = None
    escalate: Escalation | None = None
    drop: bool = False

    @model_validator(mode="after")
    def _check_target(self) -> Self:
        if self.error is not None and self.condition is not None:
            raise ValueError("give error or condition: nothing is both")
        if self.drop and (self.to or self.escalate):
            raise ValueError("drop tells nobody: leave out `to` and `escalate`, or drop")
        if not self.drop and not self.to:
            raise ValueError("to: name at least one channel, or write `drop: true`")
        return self

    def matches(self, about: IncidentType, name: str, what: str) -> bool:
        """Whether the rule is for `what` (error type or kind of condition) of `name` (queue or subject)."""
        if about is IncidentType.FAILURES and self.condition is not None:
            return False
        if about is IncidentType.CONDITION and self.error is not None:
            return False
        pattern = self.error if about is IncidentType.FAILURES else self.condition
        return fnmatchcase(name, self.queue or "*") and fnmatchcase(what, pattern or "*")


@dataclass(frozen=True, slots=True)
class Route:
    """Where one thing is told.

    Attributes:
        rule: the number of the rule, from 1; None where none matched: then everybody is told.
        severity: None for a condition's own.
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
        channels: the names of all channels: what no rule matches goes to each of them.
        interval: of rules that have none of their own.
        digest: from one digest on a channel to the next.
    """

    channels: tuple[str, ...]
    interval: timedelta = INTERVAL
    digest: timedelta = INTERVAL
    rules: Sequence[Rule] = field(default=())

    def route(self, about: IncidentType, name: str, what: str) -> Route:
        """Where `what` of `name` is told."""
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
