"""Finds messages in the history by what is known of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Row, Table, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.audit.events import DIED
from services.audit.models import DeadLetterEventRow, EventRow, TryRecipientRow, TryRow

State = Literal["published", "retried", "dead", "replayed", "discarded", "done"]

_events: Table = EventRow.__table__  # type: ignore[attr-defined]
_recipients: Table = TryRecipientRow.__table__  # type: ignore[attr-defined]
_letters: Table = DeadLetterEventRow.__table__  # type: ignore[attr-defined]
_tries: Table = TryRow.__table__  # type: ignore[attr-defined]
_each, _later = _tries.alias("each"), _tries.alias("later")


class Wanted(BaseModel):
    """Messages to look for. What is None matters not.

    Attributes:
        state: how it stands with them now; `published` are events of which no try is recorded.
        since, until: when a try of them ended; of published ones, when that was.
        recipient: shared.recipients.digest_of an address.
        error: part of the text or the name of an error of any of their tries, in any case.
        limit: so many at most, the latest first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str | None = None
    queue: str | None = None
    state: State | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    recipient: str | None = None
    error: str | None = None
    limit: int = Field(default=20, ge=1, le=10_000)

    @property
    def includes_published(self) -> bool:
        """Whether events are found of which no try is recorded. There are many: they must be asked for."""
        if self.queue or self.recipient or self.error:
            return False
        return self.state == "published" or (self.state is None and self.kind is not None)


@dataclass(frozen=True, slots=True)
class Found:
    """A message in one queue, as it stands now. `at`: when it got there."""

    message_id: str
    kind: str
    queue: str | None
    state: str
    at: datetime
    tries: int = 0
    replays: int = 0
    recipients: tuple[str, ...] = ()
    error: str | None = None


async def find_tried(session: AsyncSession, wanted: Wanted) -> list[Found]:
    """Messages of which tries are recorded."""
    state = _state()
    statement = select(_tries, state.label("state"), _count().label("count")).where(_is_latest())
    for column, value in ((_tries.c.kind, wanted.kind), (_tries.c.queue, wanted.queue), (state, wanted.state)):
        if value is not None:
            statement = statement.where(column == value)
    for condition in _narrowing(wanted):
        statement = statement.where(condition)
    latest = statement.order_by(_tries.c.at.desc(), _tries.c.id.desc()).limit(wanted.limit)
    return [_found(row) for row in (await session.execute(latest)).all()]


async def find_published(session: AsyncSession, wanted: Wanted) -> list[Found]:
    """Events of which no try is recorded."""
    tried = select(_tries.c.id).where(_tries.c.message_id == _events.c.message_id).exists()
    statement = select(_events).where(~tried, _events.c.message_id.is_not(None))
    if wanted.kind:
        statement = statement.where(_events.c.kind == wanted.kind)
    if wanted.since:
        statement = statement.where(_events.c.at >= wanted.since.astimezone(UTC))
    if wanted.until:
        statement = statement.where(_events.c.at < wanted.until.astimezone(UTC))
    latest = statement.order_by(_events.c.at.desc()).limit(wanted.limit)
    rows = (await session.execute(latest)).all()
    return [Found(row.message_id, row.kind, None, "published", _with_zone(row.at)) for row in rows]


def _is_latest() -> ColumnElement[bool]:
    follows = or_(_later.c.at > _tries.c.at, and_(_later.c.at == _tries.c.at, _later.c.id > _tries.c.id))
    return ~select(_later.c.id).where(_same(_later), follows).exists()


def _same(other: Any) -> ColumnElement[bool]:
    return and_(other.c.message_id == _tries.c.message_id, other.c.queue == _tries.c.queue)


def _state() -> ColumnElement[str]:
    """How it stands with the message of a latest try: what became of its dead letter since, or the try's outcome."""
    now = case((_letters.c.what == DIED, "dead"), else_=_letters.c.what)
    since = select(now).where(_same(_letters), _letters.c.at >= _tries.c.at).order_by(_letters.c.at.desc()).limit(1)
    return func.coalesce(since.scalar_subquery(), _tries.c.outcome)


def _count() -> ColumnElement[int]:
    return select(func.count()).where(_same(_each)).scalar_subquery()


def _narrowing(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    """What the latest try must be like, said so that few rows are left to look at."""
    if wanted.since:
        yield _tries.c.at >= wanted.since.astimezone(UTC)  # no try is later than the latest
    if wanted.state in {"done", "retried"}:
        yield _tries.c.outcome == wanted.state
    if wanted.state in {"replayed", "discarded"}:
        yield _tries.c.message_id.in_(select(_letters.c.message_id).where(_letters.c.what == wanted.state))
    if conditions := _conditions(wanted):
        yield _tries.c.message_id.in_(select(_each.c.message_id).where(*conditions))
        yield select(_each.c.id).where(_same(_each), *conditions).exists()


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    """What must hold for any one try of a message."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.since:
        conditions.append(_each.c.at >= wanted.since.astimezone(UTC))
    if wanted.until:
        conditions.append(_each.c.at < wanted.until.astimezone(UTC))
    if wanted.error:
        texts = (func.lower(_each.c.error), func.lower(_each.c.error_type))
        conditions.append(or_(*(text.contains(wanted.error.lower(), autoescape=True) for text in texts)))
    if wanted.recipient:
        theirs = select(_recipients.c.try_id).where(_recipients.c.digest == wanted.recipient)
        conditions.append(_each.c.try_id.in_(theirs))
    return conditions


def _found(row: Row[Any]) -> Found:
    return Found(
        message_id=row.message_id,
        kind=row.kind,
        queue=row.queue,
        state=row.state,
        at=_with_zone(row.at),
        tries=row._mapping["count"],
        replays=row.replays,
        recipients=tuple(orjson.loads(row.recipients)) if row.recipients else (),
        error=f"{row.error_type}: {row.error}" if row.error_type else None,
    )


def _with_zone(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # SQLite gives times back without their zone
