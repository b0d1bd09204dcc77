"""The table of parts: what providers reported of each, also before its text is known."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, and_, case, or_, select, tuple_

from postroom.runtime.history.rows import storable
from postroom_sms.gateway import DeliveryProgress, Receipt
from postroom_sms.models import PartRow
from postroom_sms.texts import TextKey

PARTS: Table = PartRow.__table__  # type: ignore[attr-defined]

EARLY = timedelta(days=1)
"""A receipt without a text waits so long for one. Providers use ids again: an older one was about something else."""

_PartId = tuple[str, str]  # gateway, provider's id


class PartsTable:
    """Reads and writes parts, within the transactions of the texts' store.

    Args:
        insert: the database's own INSERT, which knows ON CONFLICT.
    """

    def __init__(self, insert: Callable[[Table], Any]) -> None:
        self._insert = insert

    def store(
        self, accepted: Sequence[tuple[TextKey, _PartId]], receipts: Sequence[Receipt], connection: Connection
    ) -> dict[_PartId, TextKey]:
        """Record which parts belong to which texts, and what was reported. Returns the texts of these parts."""
        writes = [(part, self._owned(key, part)) for key, part in accepted]
        writes += [((receipt.gateway, receipt.provider_id), self._reported(receipt)) for receipt in receipts]
        for _, statement in sorted(writes, key=lambda write: write[0]):
            connection.execute(statement)
        stored = {(gateway, _id(provider_id)): (gateway, provider_id) for (gateway, provider_id), _ in writes}
        if not stored:
            return {}
        found = select(PARTS).where(tuple_(PARTS.c.gateway, PARTS.c.provider_id).in_(list(stored)))
        rows = connection.execute(found.where(PARTS.c.job_id.is_not(None)))
        return {stored[row.gateway, row.provider_id]: TextKey(row.queue, row.job_id) for row in rows}

    def verdict(self, connection: Connection, key: TextKey) -> tuple[DeliveryProgress, str | None]:
        """How far a text is by all that is known of its parts: one part that failed is a text that failed."""
        of_text = select(PARTS).where(PARTS.c.queue == key.queue, PARTS.c.job_id == key.job_id)
        parts = connection.execute(of_text.order_by(PARTS.c.at)).all()
        for part in parts:
            if part.state == DeliveryProgress.UNDELIVERED:
                return DeliveryProgress.UNDELIVERED, part.reason
        is_there = bool(parts) and all(part.state == DeliveryProgress.DELIVERED for part in parts)
        return (DeliveryProgress.DELIVERED if is_there else DeliveryProgress.ACCEPTED), None

    def _owned(self, key: TextKey, part: _PartId) -> Any:
        """An accepted text's part. What an early receipt reported of it stays."""
        now = datetime.now(UTC)
        values = {
            "queue": key.queue,
            "job_id": key.job_id,
            "state": DeliveryProgress.ACCEPTED.value,
            "reason": None,
            "at": now,
        }
        statement = self._insert(PARTS).values(gateway=part[0], provider_id=_id(part[1]), **values)
        new = statement.excluded
        is_another = or_(
            and_(PARTS.c.job_id.is_not(None), or_(PARTS.c.job_id != new.job_id, PARTS.c.queue != new.queue)),
            and_(PARTS.c.job_id.is_(None), PARTS.c.at < now - EARLY),
        )
        kept = {name: case((is_another, new[name]), else_=PARTS.c[name]) for name in ("state", "reason", "at")}
        changed = {"queue": new.queue, "job_id": new.job_id, **kept}
        return statement.on_conflict_do_update(index_elements=["gateway", "provider_id"], set_=changed)

    def _reported(self, receipt: Receipt) -> Any:
        """A part's progress. Its end stays the first one that was reported."""
        values = {
            "state": receipt.progress.value,
            "reason": storable(receipt.reason, 300),
            "at": datetime.now(UTC),
        }
        statement = self._insert(PARTS).values(gateway=receipt.gateway, provider_id=_id(receipt.provider_id), **values)
        return statement.on_conflict_do_update(
            index_elements=["gateway", "provider_id"],
            set_={name: statement.excluded[name] for name in values},
            where=PARTS.c.state == DeliveryProgress.ACCEPTED.value,
        )


def _id(provider_id: str) -> str:
    return storable(provider_id, 255) or ""
