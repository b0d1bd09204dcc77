"""Finds messages in the history by what is known of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Row, Table, and_, case, func, or_, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from postroom.wire.dead_letter import kind_of
from postroom_audit.event_order import before
from postroom_audit.events import DIED
from postroom_audit.models import DeadLetterEventRow, EventRow, TryRecipientRow, TryRow

State = Literal["published", "retried", "dead", "replayed", "discarded", "done"]

_events: Table = EventRow.__table__  # type: ignore[attr-defined]
_recipients: Table = TryRecipientRow.__table__  # type: ignore[attr-defined]
_letters: Table = DeadLetterEventRow.__table__  # type: ignore[attr-defined]
_tries: Table = TryRow.__table__  # type: ignore[attr-defined]
_each, _later = _tries.alias("each"), _tries.alias("later")
_death, _later_letter = _letters.alias("death"), _letters.alias("later_letter")

_AS_STATE = case((_letters.c.what == DIED, "dead"), else_=_letters.c.what)
_AS_ERROR = case((_letters.c.what == DIED, _letters.c.reason))


class MessageQuery(BaseModel):
    """Which messages to find. A field that is None restricts nothing.

    Attributes:
        state: their state now; `published` are events of which no try is recorded.
        since, until: when a try of them ended, or they died; of published ones, when that was.
        recipient: postroom.privacy.recipients.digest_of an address.
        error: part of the text or the name of an error of any of their tries or deaths, in any case.
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

    @property
    def includes_untried(self) -> bool:
        """Whether messages are found of which only their death is recorded. Their recipients are not known."""
        return not self.recipient and self.state not in {"published", "done", "retried"}


@dataclass(frozen=True, slots=True)
class FoundMessage:
    """A message in one queue, with its present state. `at`: when it got there."""

    message_id: str
    kind: str
    queue: str | None
    state: str
    at: datetime
    tries: int = 0
    replays: int = 0
    recipients: tuple[str, ...] = ()
    error: str | None = None


async def find_tried(session: AsyncSession, wanted: MessageQuery) -> list[FoundMessage]:
    """Messages of which tries are recorded."""
    state = func.coalesce(_latest_of_letters(_AS_STATE), _tries.c.outcome)
    chosen = select(_tries.c.id).where(~_follows(_later, _tries, by="id"))
    for column, value in ((_tries.c.kind, wanted.kind), (_tries.c.queue, wanted.queue), (state, wanted.state)):
        if value is not None:
            chosen = chosen.where(column == value)
    for condition in _narrowing(wanted):
        chosen = chosen.where(condition)
    latest = (_tries.c.at.desc(), _tries.c.id.desc())
    chosen = chosen.order_by(*latest).limit(wanted.limit)
    # Their details are looked up for these few alone: a database that sorts would do it for all of them first.
    columns = (*_tries.c, state.label("state"), _count().label("count"), _latest_of_letters(_AS_ERROR).label("buried"))
    few = select(*columns).where(_tries.c.id.in_(chosen)).order_by(*latest)
    return [_found(row) for row in (await session.execute(few)).all()]


async def find_untried(session: AsyncSession, wanted: MessageQuery) -> list[FoundMessage]:
    """Messages of which nothing is recorded but their death, and what became of it."""
    tried = select(_tries.c.id).where(_same(_tries, _letters)).exists()
    columns = (*_letters.c, _AS_STATE.label("state"), *(each.label(name) for name, each in _of_all_letters().items()))
    statement = select(*columns).where(~tried, ~_follows(_later_letter, _letters, by="told_by"))
    for column, value in ((_letters.c.queue, wanted.queue), (_AS_STATE, wanted.state)):
        if value is not None:
            statement = statement.where(column == value)
    if wanted.kind:
        statement = statement.where(_died(_has_kind(wanted.kind)))
    if conditions := _conditions(wanted, _death):
        statement = statement.where(_died(*conditions))
    latest = statement.order_by(_letters.c.at.desc()).limit(wanted.limit)
    return [_found_untried(row) for row in (await session.execute(latest)).all()]


async def find_published(session: AsyncSession, wanted: MessageQuery) -> list[FoundMessage]:
    """Events of which no try is recorded, and no death."""
    recorded = (
        select(table.c.at).where(table.c.message_id == _events.c.message_id).exists() for table in (_tries, _letters)
    )
    statement = select(_events).where(*(~each for each in recorded), _events.c.message_id.is_not(None))
    if wanted.kind:
        statement = statement.where(_events.c.kind == wanted.kind)
    if wanted.since:
        statement = statement.where(_events.c.at >= wanted.since.astimezone(UTC))
    if wanted.until:
        statement = statement.where(_events.c.at < wanted.until.astimezone(UTC))
    latest = statement.order_by(_events.c.at.desc()).limit(wanted.limit)
    rows = (await session.execute(latest)).all()
    return [FoundMessage(row.message_id, row.kind, None, "published", _with_zone(row.at)) for row in rows]


def _same(one: Any, other: Any) -> ColumnElement[bool]:
    return and_(one.c.message_id == other.c.message_id, one.c.queue == other.c.queue)


def _follows(later: Any, row: Any, *, by: str) -> ColumnElement[bool]:
    """Whether the same table has something later of the same message; `by` decides where the times are equal."""
    is_later = or_(later.c.at > row.c.at, and_(later.c.at == row.c.at, later.c[by] > row.c[by]))
    return select(later.c.at).where(_same(later, row), is_later).exists()


def _latest_of_letters(what: ColumnElement[Any]) -> ColumnElement[Any]:
    """The last dead-letter event of the latest try's message that no try came after."""
    tried = select(_each.c.id).where(_same(_each, _letters), before(_letters, _each)).exists()
    by_worker = (_each.c.outcome == "dead", _each.c.replays == _letters.c.replays)
    told_already = select(_each.c.id).where(_same(_each, _letters), *by_worker).exists()
    left = and_(~tried, or_(_letters.c.what != DIED, ~told_already))
    latest = select(what).where(_same(_letters, _tries), left).order_by(_letters.c.at.desc(), _letters.c.told_by.desc())
    return latest.limit(1).correlate(_tries).scalar_subquery()


def _count() -> ColumnElement[int]:
    return select(func.count()).where(_same(_each, _tries)).scalar_subquery()


def _of_all_letters() -> dict[str, ColumnElement[Any]]:
    """What the dead-letter events of one message say together."""
    here = select().where(_same(_death, _letters))
    last_death = here.add_columns(_death.c.reason).where(_death.c.what == DIED).order_by(_death.c.at.desc()).limit(1)
    return {
        "known_kind": here.add_columns(func.max(_death.c.kind)).scalar_subquery(),
        "most_replays": here.add_columns(func.max(_death.c.replays)).scalar_subquery(),
        "died_of": last_death.scalar_subquery(),
    }


def _died(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether one of the deaths of an untried message is so."""
    return select(_death.c.at).where(_same(_death, _letters), _death.c.what == DIED, *conditions).exists()


def _has_kind(kind: str) -> ColumnElement[bool]:
    listens = _death.c.queue.endswith(f".on.{kind}", autoescape=True)
    return or_(_death.c.kind == kind, _death.c.queue == kind, listens)


def _narrowing(wanted: MessageQuery) -> Iterator[ColumnElement[bool]]:
    """Conditions on the latest try, in a form that leaves few rows to look at."""
    if wanted.state in {"done", "retried"}:
        yield _tries.c.outcome == wanted.state
    if wanted.state == "dead":
        yield or_(_tries.c.outcome == wanted.state, _tries.c.message_id.in_(_recorded_ids(DIED)))
    if wanted.state in {"replayed", "discarded"}:
        yield _tries.c.message_id.in_(_recorded_ids(wanted.state))
    if wanted.recipient:
        theirs = select(_recipients.c.try_id).where(_recipients.c.digest == wanted.recipient)
        yield _any_of({_each: [_each.c.try_id.in_(theirs)]})
    if conditions := _conditions(wanted, _each):
        yield _any_of({_each: conditions, _death: [_death.c.what == DIED, *_conditions(wanted, _death)]})


def _any_of(wanted: Mapping[Any, Sequence[ColumnElement[bool]]]) -> ColumnElement[bool]:
    """That one of the message's rows in these tables is so."""
    rows = (select(table.c.message_id, table.c.queue).where(*conditions) for table, conditions in wanted.items())
    return tuple_(_tries.c.message_id, _tries.c.queue).in_(union_all(*rows))


def _recorded_ids(what: str) -> Any:
    return select(_death.c.message_id).where(_death.c.what == what)


def _conditions(wanted: MessageQuery, rows: Any) -> list[ColumnElement[bool]]:
    """What must hold for any one try of a message, or for any one of its deaths."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.since:
        conditions.append(rows.c.at >= wanted.since.astimezone(UTC))
    if wanted.until:
        conditions.append(rows.c.at < wanted.until.astimezone(UTC))
    if wanted.error:
        texts = (rows.c.reason,) if rows is _death else (rows.c.error, rows.c.error_type)
        part = wanted.error.lower()
        conditions.append(or_(*(func.lower(text).contains(part, autoescape=True) for text in texts)))
    return conditions


def _found(row: Row[Any]) -> FoundMessage:
    return FoundMessage(
        message_id=row.message_id,
        kind=row.kind,
        queue=row.queue,
        state=row.state,
        at=_with_zone(row.at),
        tries=row._mapping["count"],
        replays=row.replays,
        recipients=tuple(orjson.loads(row.recipients)) if row.recipients else (),
        error=row.buried or (f"{row.error_type}: {row.error}" if row.error_type else None),
    )


def _found_untried(row: Row[Any]) -> FoundMessage:
    return FoundMessage(
        message_id=row.message_id,
        kind=row.known_kind or kind_of(row.queue),
        queue=row.queue,
        state=row.state,
        at=_with_zone(row.at),
        replays=row.most_replays or 0,
        error=row.died_of,
    )


def _with_zone(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # SQLite gives times back without their zone
