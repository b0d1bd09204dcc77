"""Texts in the service's own database. Concurrent texts share transactions."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Connection, Table, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from postroom.privacy.masking import mask_phone
from postroom.runtime.history.rows import storable
from postroom.storage.database import Database
from postroom.storage.group_commit import GroupCommit
from postroom_sms.gateway import Accepted, DeliveryProgress, Receipt
from postroom_sms.models import OptedOutRow, TextRow
from postroom_sms.sql_parts import PartsTable
from postroom_sms.texts import Begun, Ended, Facts, PreviousTry, TextKey, TextState

TEXTS: Table = TextRow.__table__  # type: ignore[attr-defined]
OPTED_OUT: Table = OptedOutRow.__table__  # type: ignore[attr-defined]

LONGEST_REASON = 300
ANNOUNCE_AGAIN_AFTER = timedelta(minutes=1)
"""The process that records a text's end publishes it at once. If it has not after this time, another one does."""


@dataclass(frozen=True, slots=True)
class _Begin:
    key: TextKey
    facts: Facts


@dataclass(frozen=True, slots=True)
class _Settle:
    key: TextKey
    values: dict[str, Any]
    parts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _OptOut:
    number: str
    reason: str


_Operation = _Begin | _Settle | _OptOut | Receipt


class SqlTexts:
    """See Texts.

    Args:
        database: the service's.
        number_key: makes the hash by which texts of a number are found; without it none is stored.
    """

    def __init__(self, database: Database, number_key: SecretStr | None = None) -> None:
        self._database = database
        self._number_key = number_key
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert
        self._parts = PartsTable(self._insert)
        self._group = GroupCommit(database, self._commit)

    async def begin(self, key: TextKey, facts: Facts) -> Begun:
        """See Texts."""
        begun: Begun = await self._group.write(_Begin(key, facts))
        return begun

    async def not_sent(
        self, key: TextKey, state: TextState, reason: str, *, gateway: str | None = None, may_be_double: bool = False
    ) -> None:
        """See Texts."""
        values = {"state": state.value, "reason": storable(reason, LONGEST_REASON)}
        if gateway:
            values["gateway"] = gateway
        await self._group.write(_Settle(key, values | _mark(may_be_double)))

    async def accepted(self, key: TextKey, accepted: Accepted, *, may_be_double: bool = False) -> Ended | None:
        """See Texts."""
        values: dict[str, Any] = {"state": TextState.ACCEPTED.value, "gateway": accepted.gateway, "reason": None}
        values["accepted_at"] = datetime.now(UTC)
        parts = tuple((accepted.gateway, provider_id) for provider_id in accepted.provider_ids)
        ended: Ended | None = await self._group.write(_Settle(key, values | _mark(may_be_double), parts))
        return ended

    async def receive(self, receipt: Receipt) -> Ended | None:
        """See Texts."""
        ended: Ended | None = await self._group.write(receipt)
        return ended

    async def opt_out(self, number: str, reason: str) -> None:
        """See Texts."""
        await self._group.write(_OptOut(number, reason))

    async def not_announced(self, limit: int) -> list[Ended]:
        """See Texts."""
        before = datetime.now(UTC) - ANNOUNCE_AGAIN_AFTER
        waiting = select(TEXTS).where(TEXTS.c.announced_at.is_(None), TEXTS.c.ended_at < before)
        oldest = waiting.order_by(TEXTS.c.ended_at).limit(limit)
        return await self._database.run(lambda connection: [_ended(row) for row in connection.execute(oldest)])

    async def announced(self, key: TextKey) -> None:
        """See Texts."""
        await self._group.write(_Settle(key, {"announced_at": datetime.now(UTC)}))

    def _commit(self, connection: Connection, operations: list[_Operation]) -> list[Begun | Ended | None]:
        # Rows are locked in one order everywhere, so that processes do not wait for each other in a circle:
        # parts, then texts, then numbers, each of them sorted.
        settlements = [operation for operation in operations if isinstance(operation, _Settle)]
        receipts = [operation for operation in operations if isinstance(operation, Receipt)]
        touched = self._parts.store([(w.key, part) for w in settlements for part in w.parts], receipts, connection)
        ended = self._settle(connection, settlements, set(touched.values()))
        begun = self._begin(connection, [operation for operation in operations if isinstance(operation, _Begin)])
        self._opt_out(connection, [operation for operation in operations if isinstance(operation, _OptOut)])
        answers: list[Begun | Ended | None] = []
        for operation in operations:
            if isinstance(operation, _Begin):
                answers.append(begun[operation.key])
            elif isinstance(operation, Receipt):
                key = touched.get((operation.gateway, operation.provider_id))
                answers.append(ended.pop(key, None) if key else None)
            else:
                answers.append(ended.pop(operation.key, None) if isinstance(operation, _Settle) else None)
        return answers

    def _settle(
        self, connection: Connection, settlements: Sequence[_Settle], touched: set[TextKey]
    ) -> dict[TextKey, Ended]:
        """Record the results, then check each text whose parts changed. Returns those that ended by it."""
        values = [(settle.key, settle.values) for settle in settlements]
        ended = {}
        for key in sorted({settle.key for settle in settlements} | touched, key=_order):
            for _, each in (pair for pair in values if pair[0] == key):
                connection.execute(update(TEXTS).where(_is(key)).values(at=datetime.now(UTC), **each))
            if key in touched and (end := self._look_for_end(connection, key)):
                ended[key] = end
        return ended

    def _look_for_end(self, connection: Connection, key: TextKey) -> Ended | None:
        # Locked before its parts are read: of two processes with the last two receipts, one sees both.
        row = connection.execute(select(TEXTS.c.state).where(_is(key)).with_for_update()).first()
        if row is None or row.state != TextState.ACCEPTED:
            return None
        progress, reason = self._parts.verdict(connection, key)
        if progress is DeliveryProgress.ACCEPTED:
            return None
        now = datetime.now(UTC)
        values = {"state": progress.value, "reason": reason, "ended_at": now, "at": now}
        connection.execute(update(TEXTS).where(_is(key)).values(**values))
        return _ended(connection.execute(select(TEXTS).where(_is(key))).one())

    def _begin(self, connection: Connection, begins: Sequence[_Begin]) -> dict[TextKey, Begun]:
        if not begins:
            return {}
        keys = [(begin.key.queue, begin.key.job_id) for begin in begins]
        rows = connection.execute(select(TEXTS).where(tuple_(TEXTS.c.queue, TEXTS.c.job_id).in_(keys)))
        before = {
            TextKey(row.queue, row.job_id): PreviousTry(TextState(row.state), row.gateway, row.round) for row in rows
        }
        numbers = {begin.facts.number for begin in begins}
        listed = connection.execute(select(OPTED_OUT).where(OPTED_OUT.c.number.in_(numbers)))
        reasons = {row.number: f"{row.reason}, since {row.since:%Y-%m-%d}" for row in listed}
        begun = {begin.key: Begun(before.get(begin.key), reasons.get(begin.facts.number)) for begin in begins}
        to_send = [begin for begin in begins if _may_be_sent(begun[begin.key])]
        for begin in sorted(to_send, key=lambda begin: _order(begin.key)):
            connection.execute(self._upsert(begin))
        return begun

    def _upsert(self, begin: _Begin) -> Any:
        facts = begin.facts
        values = {
            "to_masked": mask_phone(facts.number),
            "to_hash": number_hash(facts.number, self._number_key),
            "sender": facts.sender,
            "encoding": facts.encoding,
            "segments": facts.segments,
            "state": TextState.SENDING.value,
            "round": facts.round,
            "at": datetime.now(UTC),
        }
        key = {"queue": begin.key.queue, "job_id": begin.key.job_id}
        statement = self._insert(TEXTS).values(**key, may_be_double=False, **values)
        return statement.on_conflict_do_update(index_elements=list(key), set_=values)

    def _opt_out(self, connection: Connection, operations: Sequence[_OptOut]) -> None:
        reasons = {operation.number: storable(operation.reason, LONGEST_REASON) for operation in operations}
        for number, reason in sorted(reasons.items()):
            row = {"number": number, "reason": reason, "since": datetime.now(UTC)}
            connection.execute(self._insert(OPTED_OUT).values(row).on_conflict_do_nothing())


def number_hash(number: str, key: SecretStr | None) -> str | None:
    """The hash by which texts to a number (E.164) are found. None without a key: it could be guessed."""
    if key is None:
        return None
    return hmac.new(key.get_secret_value().encode(), number.encode(), hashlib.sha256).hexdigest()


def _may_be_sent(begun: Begun) -> bool:
    return begun.opted_out is None and not (begun.before is not None and begun.before.state.is_sent)


def _mark(may_be_double: bool) -> dict[str, Any]:
    return {"may_be_double": True} if may_be_double else {}


def _is(key: TextKey) -> Any:
    return (TEXTS.c.queue == key.queue) & (TEXTS.c.job_id == key.job_id)


def _order(key: TextKey) -> tuple[str, str]:
    return key.queue, key.job_id


def _ended(row: Any) -> Ended:
    key = TextKey(row.queue, row.job_id)
    return Ended(key, row.to_masked, row.gateway or "", DeliveryProgress(row.state), row.reason)
