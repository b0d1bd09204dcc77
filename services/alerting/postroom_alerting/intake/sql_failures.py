"""The failure log in the service's database: what concurrent tasks give it is committed together.

In a batch, what messages came to is noted first: a death that is recorded after its message was done, or discarded,
is settled as it is stored. So the order in which the two are told does not matter.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, select, tuple_, update

from postroom.storage.database import Database
from postroom.storage.group_commit import GroupCommit
from postroom_alerting.incidents.sql_lifecycle import OPEN, Change, apply, insert_into, lock, utc
from postroom_alerting.intake.failures import Failure, Settlement
from postroom_alerting.models import FailureGroupRow, FailureRow, SettlementRow, TrendRow, table_of
from postroom_alerting.rules.routes import About, Rules

_failures = table_of(FailureRow)
_groups = table_of(FailureGroupRow)
_settlements = table_of(SettlementRow)
_trend = table_of(TrendRow)

BUCKET = timedelta(minutes=10)
"""How finely deaths are counted over time."""

DONE, DISCARDED = "done", "discarded"
_Key = tuple[str, str]


@dataclass(slots=True)
class _Tally:
    """What one batch does to one group."""

    newest: Failure | None = None
    last_at: datetime = datetime.min.replace(tzinfo=UTC)
    first_at: datetime = datetime.max.replace(tzinfo=UTC)
    deaths: int = 0
    unsettled: int = 0
    opens: bool = False
    buckets: Counter[datetime] = field(default_factory=Counter)

    def add(self, failure: Failure) -> None:
        self.deaths += 1
        self.buckets[_bucket(failure.failed_at)] += 1
        self.first_at = min(self.first_at, failure.failed_at)
        if failure.failed_at >= self.last_at:
            self.newest, self.last_at = failure, failure.failed_at


class SqlFailureLog:
    """FailureLog; safe with any number of replicas.

    Args:
        database: the service's.
        rules: who is told.
        samples: how many messages are kept of each group; None for all. All are counted either way. A group of
            which messages were not kept is resolved by a person only: nothing tells what became of those.
        clock: the time, in UTC.
    """

    def __init__(
        self,
        database: Database,
        rules: Rules,
        *,
        samples: int | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._rules = rules
        self._samples = samples
        self._clock = clock
        self._commits = GroupCommit(database, self._commit)

    async def record(self, failure: Failure) -> bool:
        """See FailureLog."""
        return bool(await self._commits.write(failure))

    async def settle(self, settlement: Settlement) -> bool:
        """See FailureLog."""
        return bool(await self._commits.write(settlement))

    def _commit(self, connection: Connection, wishes: list[Any]) -> list[bool]:
        lock(connection)
        now, tallies = self._clock(), dict[str, _Tally]()
        settlements = [wish for wish in wishes if isinstance(wish, Settlement)]
        causes = self._settle(connection, settlements, tallies, now)
        failures = [wish for wish in wishes if isinstance(wish, Failure)]
        stored = iter(self._store(connection, failures, tallies))
        resolved = self._change_groups(connection, tallies, now)
        return [
            next(stored) if isinstance(wish, Failure) else causes.get((wish.queue, wish.message_id)) in resolved
            for wish in wishes
        ]

    def _settle(
        self, connection: Connection, settlements: list[Settlement], tallies: dict[str, _Tally], now: datetime
    ) -> dict[_Key, str]:
        """Note them, and settle what is recorded. Returns the causes of what was dead until now."""
        causes: dict[_Key, str] = {}
        for settlement in settlements:
            _remember(connection, settlement, now)
            is_it = and_(_failures.c.queue == settlement.queue, _failures.c.message_id == settlement.message_id)
            row = connection.execute(select(_failures.c.cause, _failures.c.state, _failures.c.replays).where(is_it))
            found = row.first()
            # A message that was discarded was dead; one that was done may have died once more since.
            if found is None or not (settlement.discarded_at or found.replays < settlement.replays):
                continue
            state = DISCARDED if settlement.discarded_at else DONE
            connection.execute(update(_failures).where(is_it).values(state=state))
            if found.state == OPEN:
                tallies.setdefault(found.cause, _Tally()).unsettled -= 1
                causes[settlement.queue, settlement.message_id] = found.cause
        return causes

    def _store(self, connection: Connection, failures: list[Failure], tallies: dict[str, _Tally]) -> list[bool]:
        if not failures:
            return []
        keys = list({(failure.queue, failure.message_id) for failure in failures})
        rows: dict[_Key, dict[str, Any]] = {
            key: dict(row._mapping) for key, row in _by_message(connection, _failures, keys).items()
        }
        settled = _by_message(connection, _settlements, keys)
        changed, answers = dict[_Key, dict[str, Any]](), list[bool]()
        for failure in failures:
            key = (failure.queue, failure.message_id)
            old = rows.get(key)
            is_new = old is None or old["last_death"] != failure.death
            if is_new:
                state = OPEN if _is_published_anew(failure, old) else _state(failure, settled.get(key))
                changed[key] = rows[key] = _row(failure, old, state)
                _count(tallies, failure, old, rows[key])
            answers.append(is_new)
        self._write(connection, list(changed.values()))
        return answers

    def _write(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        if self._samples is not None:
            rows = _newest_of_each(rows, self._samples)
        if not rows:
            return
        statement = insert_into(connection, _failures)
        changes = {column.name: statement.excluded[column.name] for column in _failures.c if not column.primary_key}
        connection.execute(
            statement.on_conflict_do_update(index_elements=["queue", "message_id"], set_=changes),
            sorted(rows, key=lambda row: (row["queue"], row["message_id"])),
        )
        if self._samples is not None:
            for cause in {row["cause"] for row in rows}:
                _forget_oldest(connection, cause, self._samples)

    def _change_groups(self, connection: Connection, tallies: dict[str, _Tally], now: datetime) -> set[str]:
        resolved = set()
        for cause, tally in sorted(tallies.items()):
            if tally.newest is not None:
                _count_in_group(connection, tally, tally.newest)
            name, what = _names(connection, cause)
            last_at = tally.last_at if tally.newest else datetime.min.replace(tzinfo=UTC)
            change = Change(
                cause, About.FAILURES, name, what, last_at, tally.deaths, tally.unsettled, tally.opens
            )  # fmt: skip
            if apply(connection, change, self._rules, now):
                resolved.add(cause)
        return resolved


def _remember(connection: Connection, settlement: Settlement, now: datetime) -> None:
    row = {
        "queue": settlement.queue,
        "message_id": settlement.message_id,
        "done_replays": settlement.replays,
        "discarded_at": settlement.discarded_at,
        "at": now,
    }
    changes: dict[str, Any] = {"at": now}
    if settlement.discarded_at:
        changes["discarded_at"] = settlement.discarded_at
    else:
        changes["done_replays"] = settlement.replays
    statement = insert_into(connection, _settlements).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["queue", "message_id"], set_=changes))


def _by_message(connection: Connection, table: Table, keys: list[_Key]) -> dict[_Key, Any]:
    found = select(table).where(tuple_(table.c.queue, table.c.message_id).in_(keys))
    return {(row.queue, row.message_id): row for row in connection.execute(found)}


def _is_published_anew(failure: Failure, old: dict[str, Any] | None) -> bool:
    """Whether its id was published once more after it had come to its end: a replay would have raised the count."""
    if old is None or old["state"] == OPEN:
        return False
    return failure.replays <= old["replays"] and failure.failed_at > utc(old["last_at"])


def _state(failure: Failure, settled: Any) -> str:
    if settled is None:
        return OPEN
    if settled.done_replays > failure.replays:
        return DONE
    return DISCARDED if settled.discarded_at and utc(settled.discarded_at) >= failure.failed_at else OPEN


def _row(failure: Failure, old: dict[str, Any] | None, state: str) -> dict[str, Any]:
    return {
        "queue": failure.queue,
        "message_id": failure.message_id,
        "kind": failure.kind,
        "cause": failure.cause.key,
        "error_type": failure.cause.error_type,
        "error": failure.error,
        "payload": failure.payload,
        "first_at": old["first_at"] if old else failure.failed_at,
        "last_at": failure.failed_at,
        "last_death": failure.death,
        "count": old["count"] + 1 if old else 1,
        "attempts": failure.attempts,
        "replays": failure.replays,
        "state": state,
    }


def _count(tallies: dict[str, _Tally], failure: Failure, old: dict[str, Any] | None, new: dict[str, Any]) -> None:
    tally = tallies.setdefault(failure.cause.key, _Tally())
    tally.add(failure)
    if old is not None and old["state"] == OPEN:  # it was one of the dead of that group, and is no longer
        tallies.setdefault(old["cause"], _Tally()).unsettled -= 1
    if new["state"] == OPEN:
        tally.unsettled += 1
        tally.opens = True


def _newest_of_each(rows: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    kept, counts = [], Counter[str]()
    for row in sorted(rows, key=lambda row: utc(row["last_at"]), reverse=True):
        counts[row["cause"]] += 1
        if counts[row["cause"]] <= most:
            kept.append(row)
    return kept


def _forget_oldest(connection: Connection, cause: str, most: int) -> None:
    key = (_failures.c.queue, _failures.c.message_id)
    kept = select(*key).where(_failures.c.cause == cause).order_by(_failures.c.last_at.desc()).limit(most)
    connection.execute(delete(_failures).where(_failures.c.cause == cause, tuple_(*key).not_in(kept)))


def _count_in_group(connection: Connection, tally: _Tally, newest: Failure) -> None:
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
