"""The alerting service's tables, but for that of heartbeats. The key of a group's incident is the group's cause."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Index, Table, Text
from sqlmodel import Field, SQLModel

from postroom.storage.retention import Retention

_TIME: Any = DateTime(timezone=True)


class FailureRow(SQLModel, table=True):
    """A message that died in a queue, once or several times. All but its id is masked.

    Attributes:
        state: `open` while it is dead; then `done` (replayed and done; in `unrouted`: replayed), `discarded`, or
            `resolved` (a person resolved its group).
    """

    __tablename__: ClassVar[str] = "failures"
    __table_args__ = (
        Index("ix_failures_cause_last_at", "cause", "last_at"),
        Index("ix_failures_last_at", "last_at"),
    )

    queue: str = Field(primary_key=True, max_length=255)
    message_id: str = Field(primary_key=True, max_length=255)
    kind: str = Field(max_length=255)
    cause: str = Field(max_length=16)
    error_type: str = Field(max_length=255)
    error: str = Field(sa_type=Text)
    payload: str = Field(sa_type=Text)
    first_at: datetime = Field(sa_type=_TIME)
    last_at: datetime = Field(sa_type=_TIME)
    last_death: str = Field(max_length=512)
    count: int = 1
    attempts: int
    replays: int
    state: str = Field(default="open", max_length=16)


class FailureGroupRow(SQLModel, table=True):
    """All failures of one cause: one queue, one error, one place in the code."""

    __tablename__: ClassVar[str] = "failure_groups"
    __table_args__ = (Index("ix_failure_groups_last_at", "last_at"),)

    cause: str = Field(primary_key=True, max_length=16)
    queue: str = Field(max_length=255)
    error_type: str = Field(max_length=255)
    folded_error: str = Field(sa_type=Text)
    error: str = Field(sa_type=Text)
    first_at: datetime = Field(sa_type=_TIME)
    last_at: datetime = Field(sa_type=_TIME)
    count: int = 1
    notified_at: datetime | None = Field(default=None, sa_type=_TIME)
    place: str = Field(default="", max_length=255)


class TrendRow(SQLModel, table=True):
    """How many messages died of a cause in the ten minutes from `at` on."""

    __tablename__: ClassVar[str] = "failure_trend"
    __table_args__ = (Index("ix_failure_trend_at", "at"),)

    cause: str = Field(primary_key=True, max_length=16)
    at: datetime = Field(primary_key=True, sa_type=_TIME)
    count: int


class SettlementRow(SQLModel, table=True):
    """How a dead message came to an end. It may be stored before the death is.

    Attributes:
        done_replays: how often the message had been replayed when it was done (in `unrouted`: when it was replayed).
            Deaths with fewer replays are settled.
        discarded_at: deaths up to this time are settled.
    """

    __tablename__: ClassVar[str] = "settlements"
    __table_args__ = (Index("ix_settlements_at", "at"),)

    queue: str = Field(primary_key=True, max_length=255)
    message_id: str = Field(primary_key=True, max_length=255)
    done_replays: int
    discarded_at: datetime | None = Field(default=None, sa_type=_TIME)
    at: datetime = Field(sa_type=_TIME)


class ConditionRow(SQLModel, table=True):
    """A condition as it was last observed."""

    __tablename__: ClassVar[str] = "conditions"
    __table_args__ = (Index("ix_conditions_source", "source"),)

    incident_key: str = Field(primary_key=True, max_length=16, foreign_key="incidents.key", ondelete="CASCADE")
    source: str = Field(max_length=255)
    key: str = Field(max_length=512)
    severity: str = Field(max_length=16)
    text: str = Field(sa_type=Text)
    advice: str = Field(sa_type=Text)
    since: datetime = Field(sa_type=_TIME)


class IncidentRow(SQLModel, table=True):
    """What people are notified of: a group of failures, or a condition.

    Attributes:
        name, what: queue and error type, or subject and kind of condition.
        episode: how often it has opened; 0 when all its messages were settled before their deaths were recorded.
        total: dead letters so far; of a condition, how often it began.
        unsettled: messages that are still dead; 1 for a condition that lasts.
    """

    __tablename__: ClassVar[str] = "incidents"
    __table_args__ = (Index("ix_incidents_closed_at", "closed_at"),)

    key: str = Field(primary_key=True, max_length=16)
    about: str = Field(max_length=16)
    name: str = Field(max_length=255)
    what: str = Field(max_length=255)
    state: str = Field(max_length=16)
    episode: int
    opened_at: datetime = Field(sa_type=_TIME)
    last_at: datetime = Field(sa_type=_TIME)
    closed_at: datetime | None = Field(default=None, sa_type=_TIME)
    closed_by: str = Field(default="", max_length=255)
    total: int
    unsettled: int
    silenced_until: datetime | None = Field(default=None, sa_type=_TIME)
    silenced_by: str = Field(default="", max_length=255)
    silence_reason: str = Field(default="", sa_type=Text)


class NotificationStateRow(SQLModel, table=True):
    """What one channel was last notified of, for one incident. A process claims the row before it sends.

    Attributes:
        role: `first` for a receiver that is notified at once, `escalation` for one that is notified when the incident
            is still open at `due_at`.
        notified_episode, notified_state, notified_count: the incident's episode, state and total when it was last sent.
        next_at: when the channel may be notified of more deaths.
        quiet_until: when it may be notified of another change of state.
        tries: how often in a row the channel did not take it.
        claimed_by, claimed_until: the claim, and when it ends.
    """

    __tablename__: ClassVar[str] = "notification_states"
    __table_args__ = (Index("ix_notification_states_channel", "channel"),)

    incident_key: str = Field(primary_key=True, max_length=16, foreign_key="incidents.key", ondelete="CASCADE")
    channel: str = Field(primary_key=True, max_length=64)
    role: str = Field(primary_key=True, max_length=16)
    due_at: datetime | None = Field(default=None, sa_type=_TIME)
    notified_episode: int = 0
    notified_state: str = Field(default="", max_length=16)
    notified_count: int = 0
    notified_at: datetime | None = Field(default=None, sa_type=_TIME)
    next_at: datetime | None = Field(default=None, sa_type=_TIME)
    quiet_until: datetime | None = Field(default=None, sa_type=_TIME)
    tries: int = 0
    claimed_by: str | None = Field(default=None, max_length=36)
    claimed_until: datetime | None = Field(default=None, sa_type=_TIME)


class ChannelRow(SQLModel, table=True):
    """When a channel had its last digest, and which process has claimed the next."""

    __tablename__: ClassVar[str] = "channels"

    channel: str = Field(primary_key=True, max_length=64)
    digest_at: datetime | None = Field(default=None, sa_type=_TIME)
    tries: int = 0
    claimed_by: str | None = Field(default=None, max_length=36)
    claimed_until: datetime | None = Field(default=None, sa_type=_TIME)


class SingleNotificationRow(SQLModel, table=True):
    """A notification of one incident, and no digest, that a channel took lately. `token` is that of its claim."""

    __tablename__: ClassVar[str] = "single_notifications"
    __table_args__ = (Index("ix_single_notifications_channel_at", "channel", "at"),)

    token: str = Field(primary_key=True, max_length=36)
    channel: str = Field(max_length=64)
    at: datetime = Field(sa_type=_TIME)


def table_of(model: type[SQLModel]) -> Table:
    """The model's table, for statements in bulk."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table


_WITHOUT_OPEN_INCIDENT = "cause NOT IN (SELECT key FROM incidents WHERE state = 'open')"

RETENTION = (
    Retention("failures", "failures", "last_at"),
    Retention("failures", "settlements", "at"),
    Retention("failures", "failure_trend", "at"),
    Retention("failures", "failure_groups", "last_at", _WITHOUT_OPEN_INCIDENT),
    Retention("failures", "incidents", "closed_at", "state = 'resolved'"),  # with their notification states
)
