"""Groups of failures: a batch of deaths and ends is summed up per group, and applied to its counts and its incident."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select

from postroom_alerting.classification import IncidentType
from postroom_alerting.incidents.sql_lifecycle import IncidentChange, apply_change
from postroom_alerting.intake.failures import RecordedFailure
from postroom_alerting.models import FailureGroupRow, TrendRow, table_of
from postroom_alerting.rules.routes import Rules
from postroom_alerting.sql_dialects import insert_into

_groups = table_of(FailureGroupRow)
_trend = table_of(TrendRow)

BUCKET = timedelta(minutes=10)
"""Deaths are counted over time in buckets of this size."""

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class GroupTally:
    """What one batch changes in one group.

    Attributes:
        newest: the latest death; None when the batch only settles messages.
        deaths: new dead letters.
        unsettled: by how much the number of messages that are still dead changes.
        opens: whether a message of it is dead that was not before.
        buckets: deaths by the start of their bucket.
    """

    newest: RecordedFailure | None = None
    last_at: datetime = _NEVER
    first_at: datetime = datetime.max.replace(tzinfo=UTC)
    deaths: int = 0
    unsettled: int = 0
    opens: bool = False
    buckets: Counter[datetime] = field(default_factory=Counter)

    def add(self, failure: RecordedFailure) -> None:
        """Count one death."""
        self.deaths += 1
        self.buckets[_bucket(failure.failed_at)] += 1
        self.first_at = min(self.first_at, failure.failed_at)
        if failure.failed_at >= self.last_at:
            self.newest, self.last_at = failure, failure.failed_at


def apply_tallies(connection: Connection, tallies: Mapping[str, GroupTally], rules: Rules, now: datetime) -> set[str]:
    """Store what the batch changes, by cause. Returns the causes whose incidents were resolved by it."""
    resolved = set()
    for cause, tally in sorted(tallies.items()):
        if tally.newest is not None:
            _count_deaths(connection, tally, tally.newest)
        queue, error_type = _names(connection, cause)
        change = IncidentChange(
            key=cause,
            about=IncidentType.FAILURES,
            name=queue,
            what=error_type,
            last_at=tally.last_at,
            deaths=tally.deaths,
            unsettled=tally.unsettled,
            opens=tally.opens,
        )
        if apply_change(connection, change, rules, now):
            resolved.add(cause)
    return resolved


def _count_deaths(connection: Connection, tally: GroupTally, newest: RecordedFailure) -> None:
    statement = insert_into(connection, _groups).values(
        cause=newest.cause.key,
        queue=newest.queue,
        error_type=newest.cause.error_type,
        folded_error=newest.cause.error,
        error=newest.error,
        first_at=tally.first_at,
        last_at=tally.last_at,
        count=tally.deaths,
        place=newest.cause.place,
    )
    new = statement.excluded
    changes = {"count": _groups.c.count + new.count, "last_at": new.last_at, "error": new.error}
    connection.execute(statement.on_conflict_do_update(index_elements=["cause"], set_=changes))
    for at, count in tally.buckets.items():
        bucket = insert_into(connection, _trend).values(cause=newest.cause.key, at=at, count=count)
        grown = {"count": _trend.c.count + bucket.excluded.count}
        connection.execute(bucket.on_conflict_do_update(index_elements=["cause", "at"], set_=grown))


def _names(connection: Connection, cause: str) -> tuple[str, str]:
    found = connection.execute(select(_groups.c.queue, _groups.c.error_type).where(_groups.c.cause == cause)).first()
    return (found.queue, found.error_type) if found else ("", "")


def _bucket(moment: datetime) -> datetime:
    seconds = moment.timestamp()
    return datetime.fromtimestamp(seconds - seconds % BUCKET.total_seconds(), UTC)
