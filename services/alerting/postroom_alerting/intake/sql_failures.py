"""The failure log in the service's database. Concurrent writes are committed together, in batches.

In a batch settlements are stored first: a death that is recorded after its message was done or discarded is settled as
it is stored. So deaths and settlements may arrive in any order.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, select, tuple_, update

from postroom.storage.database import Database
from postroom.storage.group_commit import GroupCommit
from postroom_alerting.incidents.sql_lifecycle import OPEN, lock_incidents
from postroom_alerting.intake.failures import FailureSettlement, RecordedFailure
from postroom_alerting.intake.sql_failure_groups import GroupTally, apply_tallies
from postroom_alerting.models import FailureRow, SettlementRow, table_of
from postroom_alerting.rules.routes import Rules
from postroom_alerting.sql_dialects import insert_into, utc

_failures = table_of(FailureRow)
_settlements = table_of(SettlementRow)

DONE, DISCARDED = "done", "discarded"
_Key = tuple[str, str]
_Row = dict[str, Any]


class SqlFailureLog:
    """FailureLog; safe with any number of replicas.

    Args:
        database: the service's.
        rules: which channels are notified.
        samples: how many messages of each group are kept; None for all. All are counted either way. A group of which
            messages were not kept is resolved only by a person: nothing shows what became of those messages.
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

    async def record(self, failure: RecordedFailure) -> bool:
        """See FailureLog."""
        return bool(await self._commits.write(failure))

    async def settle(self, settlement: FailureSettlement) -> bool:
        """See FailureLog."""
        return bool(await self._commits.write(settlement))

    def _commit(self, connection: Connection, writes: list[Any]) -> list[bool]:
        lock_incidents(connection)
        now, tallies = self._clock(), dict[str, GroupTally]()
        settlements = [each for each in writes if isinstance(each, FailureSettlement)]
        settled = _settle(connection, settlements, tallies, now)
        failures = [each for each in writes if isinstance(each, RecordedFailure)]
        stored = iter(self._store(connection, failures, tallies))
        resolved = apply_tallies(connection, tallies, self._rules, now)
        return [
            next(stored)
            if isinstance(each, RecordedFailure)
            else settled.get((each.queue, each.message_id)) in resolved
            for each in writes
        ]

    def _store(
        self, connection: Connection, failures: list[RecordedFailure], tallies: dict[str, GroupTally]
    ) -> list[bool]:
        """Store the deaths. Returns for each whether it is new."""
        if not failures:
            return []
        keys = list({(failure.queue, failure.message_id) for failure in failures})
        rows: dict[_Key, _Row] = {
            key: dict(row._mapping) for key, row in _by_message(connection, _failures, keys).items()
        }
        settled = _by_message(connection, _settlements, keys)
        changed, answers = dict[_Key, _Row](), list[bool]()
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

    def _write(self, connection: Connection, rows: list[_Row]) -> None:
        if self._samples is not None:
            rows = _newest_of_each_group(rows, self._samples)
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
                _delete_oldest(connection, cause, self._samples)


def _settle(
    connection: Connection, settlements: list[FailureSettlement], tallies: dict[str, GroupTally], now: datetime
) -> dict[_Key, str]:
    """Store them, and settle the messages that are recorded. Returns the causes of those that were dead until now."""
    causes: dict[_Key, str] = {}
    for settlement in settlements:
        _store_settlement(connection, settlement, now)
        is_message = and_(_failures.c.queue == settlement.queue, _failures.c.message_id == settlement.message_id)
        row = connection.execute(select(_failures.c.cause, _failures.c.state, _failures.c.replays).where(is_message))
        found = row.first()
        # A message that was discarded was dead; one that was done may have died once more since.
        if found is None or not (settlement.discarded_at or found.replays < settlement.replays):
            continue
        state = DISCARDED if settlement.discarded_at else DONE
        connection.execute(update(_failures).where(is_message).values(state=state))
        if found.state == OPEN:
            tallies.setdefault(found.cause, GroupTally()).unsettled -= 1
            causes[settlement.queue, settlement.message_id] = found.cause
    return causes


def _store_settlement(connection: Connection, settlement: FailureSettlement, now: datetime) -> None:
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


def _is_published_anew(failure: RecordedFailure, old: _Row | None) -> bool:
    """Whether its id was published again after the message was settled: a replay would have raised the count."""
    if old is None or old["state"] == OPEN:
        return False
    return failure.replays <= old["replays"] and failure.failed_at > utc(old["last_at"])


def _state(failure: RecordedFailure, settled: Any) -> str:
    if settled is None:
        return OPEN
    if settled.done_replays > failure.replays:
        return DONE
    return DISCARDED if settled.discarded_at and utc(settled.discarded_at) >= failure.failed_at else OPEN


def _row(failure: RecordedFailure, old: _Row | None, state: str) -> _Row:
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


def _count(tallies: dict[str, GroupTally], failure: RecordedFailure, old: _Row | None, new: _Row) -> None:
    tally = tallies.setdefault(failure.cause.key, GroupTally())
    tally.add(failure)
    if old is not None and old["state"] == OPEN:  # it was a dead message of the old row's group, and is no longer
        tallies.setdefault(old["cause"], GroupTally()).unsettled -= 1
    if new["state"] == OPEN:
        tally.unsettled += 1
        tally.opens = True


def _newest_of_each_group(rows: list[_Row], most: int) -> list[_Row]:
    kept, counts = [], Counter[str]()
    for row in sorted(rows, key=lambda row: utc(row["last_at"]), reverse=True):
        counts[row["cause"]] += 1
        if counts[row["cause"]] <= most:
            kept.append(row)
    return kept


def _delete_oldest(connection: Connection, cause: str, most: int) -> None:
    key = (_failures.c.queue, _failures.c.message_id)
    kept = select(*key).where(_failures.c.cause == cause).order_by(_failures.c.last_at.desc()).limit(most)
    connection.execute(delete(_failures).where(_failures.c.cause == cause, tuple_(*key).not_in(kept)))
