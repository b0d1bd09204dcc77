"""The delivery log in the service's own database. Concurrent mails share transactions."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from postroom.storage.database import Database
from postroom.storage.group_commit import GroupCommit
from postroom_email.delivery_log import DeliveryEntry, DeliveryHistory, MailKey, RecipientOutcome
from postroom_email.models import RecipientRow, SuppressionRow

RECIPIENTS: Table = RecipientRow.__table__  # type: ignore[attr-defined]
SUPPRESSIONS: Table = SuppressionRow.__table__  # type: ignore[attr-defined]
_AT_ONCE = 1000  # values in one statement; SQLite and PostgreSQL take some 32,000 parameters


@dataclass(frozen=True, slots=True)
class _Lookup:
    mail: MailKey
    recipients: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Record:
    mail: MailKey
    entries: Sequence[DeliveryEntry]


@dataclass(frozen=True, slots=True)
class _Suppress:
    address: str
    reason: str


_Operation = _Lookup | _Record | _Suppress


class SqlDeliveryLog:
    """See DeliveryLog.

    A database that is away is waited for: an answer of a mail server that was not written down would be a
    mail sent twice.
    """

    def __init__(self, database: Database) -> None:
        self._insert = sqlite.insert if database.is_sqlite else postgresql.insert
        self._group = GroupCommit(database, self._commit)

    async def history(self, mail: MailKey, recipients: Sequence[str]) -> DeliveryHistory:
        """See DeliveryLog."""
        answer: DeliveryHistory = await self._group.write(_Lookup(mail, recipients))
        return answer

    async def record(self, mail: MailKey, entries: Sequence[DeliveryEntry]) -> None:
        """See DeliveryLog."""
        if entries:
            await self._group.write(_Record(mail, entries))

    async def suppress(self, address: str, reason: str) -> None:
        """See DeliveryLog."""
        await self._group.write(_Suppress(address, reason))

    def _commit(self, connection: Connection, operations: list[_Operation]) -> list[DeliveryHistory | None]:
        lookups = [operation for operation in operations if isinstance(operation, _Lookup)]
        histories = iter(self._look_up(connection, lookups))
        self._write(connection, operations)
        return [next(histories) if isinstance(operation, _Lookup) else None for operation in operations]

    def _look_up(self, connection: Connection, lookups: Sequence[_Lookup]) -> list[DeliveryHistory]:
        entries: defaultdict[MailKey, dict[str, DeliveryEntry]] = defaultdict(dict)
        for some in _portions((look.mail.queue, look.mail.job_id) for look in lookups):
            matches = tuple_(RECIPIENTS.c.queue, RECIPIENTS.c.job_id).in_(some)
            for row in connection.execute(select(RECIPIENTS).where(matches)):
                entry = DeliveryEntry(row.recipient, RecipientOutcome(row.outcome), row.answer, row.round)
                entries[MailKey(row.queue, row.job_id)][row.recipient] = entry
        reasons: dict[str, str] = {}
        for some in _portions({recipient.lower() for look in lookups for recipient in look.recipients}):
            for row in connection.execute(select(SUPPRESSIONS).where(SUPPRESSIONS.c.address.in_(some))):
                reasons[row.address] = row.reason
        return [_standing(look.recipients, entries[look.mail], reasons) for look in lookups]

    def _write(self, connection: Connection, operations: Sequence[_Operation]) -> None:
        now = datetime.now(UTC)
        rows: dict[tuple[str, str, str], dict[str, Any]] = {}
        listed: dict[str, str] = {}
        delivered: set[str] = set()
        for operation in operations:
            if isinstance(operation, _Suppress):
                listed.setdefault(operation.address.lower(), operation.reason)
            elif isinstance(operation, _Record):
                for entry in operation.entries:
                    address = entry.recipient.lower()
                    rows[operation.mail.queue, operation.mail.job_id, address] = _row(operation.mail, entry, now)
                    if entry.outcome is RecipientOutcome.NO_SUCH_USER:
                        listed.setdefault(address, entry.answer)
                    elif entry.outcome is RecipientOutcome.DELIVERED:
                        delivered.add(address)
        for some in _portions(rows.values()):
            connection.execute(self._upsert_recipients(), some)
        for some in _portions(delivered):
            connection.execute(delete(SUPPRESSIONS).where(SUPPRESSIONS.c.address.in_(some)))
        listing = [{"address": a, "reason": reason[:300], "since": now} for a, reason in listed.items()]
        for some in _portions(listing):
            connection.execute(self._insert(SUPPRESSIONS).on_conflict_do_nothing(), some)

    def _upsert_recipients(self) -> Any:
        statement = self._insert(RECIPIENTS)
        changed = {name: statement.excluded[name] for name in ("outcome", "answer", "round", "at")}
        return statement.on_conflict_do_update(index_elements=["queue", "job_id", "recipient"], set_=changed)


def _row(mail: MailKey, entry: DeliveryEntry, now: datetime) -> dict[str, Any]:
    return {
        "queue": mail.queue,
        "job_id": mail.job_id,
        "recipient": entry.recipient.lower(),
        "outcome": entry.outcome.value,
        "answer": entry.answer[:300],
        "round": entry.round,
        "at": now,
    }


def _standing(recipients: Sequence[str], entries: dict[str, DeliveryEntry], reasons: dict[str, str]) -> DeliveryHistory:
    return DeliveryHistory(
        entries={recipient: entries[recipient.lower()] for recipient in recipients if recipient.lower() in entries},
        suppressed={recipient: reasons[recipient.lower()] for recipient in recipients if recipient.lower() in reasons},
    )


def _portions(values: Iterable[Any]) -> Iterator[list[Any]]:
    everything = list(values)
    for start in range(0, len(everything), _AT_ONCE):
        yield everything[start : start + _AT_ONCE]
