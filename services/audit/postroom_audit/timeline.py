"""The timeline of one message, from what is recorded of it: what happened when, to the outcome."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from postroom import wire
from postroom.wire.dead_letter import kind_of
from postroom_audit.event_order import is_before
from postroom_audit.events import DIED, REPLAYED
from postroom_audit.models import DeadLetterEventRow, EventRow, TryRow
from postroom_audit.wording import outcome_of, what_of_letter, what_of_try


@dataclass(slots=True)
class TimelineLine:
    """One thing that happened.

    Attributes:
        at: when; None where it is not known. `after_seconds`: since the line before.
        what: in words. `queue`: where.
        milliseconds: how long a try took. `error`: what it died of, and `place`: where in the code.
        next_at: when it is tried again.
        was: JSON of the masked body, before a person changed it.
    """

    at: datetime | None
    what: str
    queue: str | None = None
    after_seconds: float | None = None
    milliseconds: float | None = None
    error: str | None = None
    place: str | None = None
    next_at: datetime | None = None
    was: str | None = None


@dataclass(slots=True)
class MessageTimeline:
    """All that is recorded of one message. `outcomes`: one sentence for each queue it was in."""

    message_id: str
    kind: str
    correlation_id: str | None
    recipients: list[str]
    lines: list[TimelineLine] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)


def build_timeline(
    message_id: str, events: Sequence[EventRow], tries: Sequence[TryRow], letters: Sequence[DeadLetterEventRow]
) -> MessageTimeline:
    """Put in order what the rows of one message say. There must be at least one."""
    tries = sorted(tries, key=lambda each: (each.at, each.id or 0))
    letters = sorted(letters, key=lambda each: (each.at, each.told_by))
    timeline = MessageTimeline(
        message_id, _kind(events, tries, letters), _correlation(events, tries), _recipients(tries)
    )
    published = _published(events, tries)
    chapters: dict[str, list[_Entry]] = {}
    outcomes: dict[str, str] = {}
    queues = list(dict.fromkeys([*(each.queue for each in tries), *(each.queue for each in letters)]))
    for queue in queues:
        here = [each for each in tries if each.queue == queue], [each for each in letters if each.queue == queue]
        chapters[queue] = list(_chapter(*here, 0 if queue == wire.UNROUTED_QUEUE else _published_again(letters)))
        last = chapters[queue][-1].row
        outcomes[queue] = outcome_of(*here, last, published.at if published else None)
        if _is_elsewhere(last) and len(queues) > 1:  # its state is said for the queue that took it
            del outcomes[queue]
    timeline.lines = [*([published] if published else []), *_merged(chapters.values())]
    timeline.outcomes = [f"{queue}: {text}" if len(outcomes) > 1 else text for queue, text in outcomes.items()]
    if not chapters:
        timeline.outcomes = ["no try of it is recorded: of most kinds only those are kept that failed"]
    _count_waits(timeline.lines)
    return timeline


class _Entry(NamedTuple):
    """A line, and the row that it was made from or that follows it."""

    line: TimelineLine
    row: TryRow | DeadLetterEventRow


def _published_again(letters: Sequence[DeadLetterEventRow]) -> int:
    """How often a person published it again after no queue had taken it."""
    return max((each.replays or 0 for each in letters if _is_elsewhere(each)), default=0)


def _is_elsewhere(row: TryRow | DeadLetterEventRow) -> bool:
    return row.queue == wire.UNROUTED_QUEUE and isinstance(row, DeadLetterEventRow) and row.what == REPLAYED


def _chapter(tries: Sequence[TryRow], letters: Sequence[DeadLetterEventRow], replays: int) -> Iterator[_Entry]:
    """What happened in one queue, to a message that was replayed so often before it came there.

    search.py says the same of what is last in it.
    """
    buried = {each.replays for each in tries if each.outcome == "dead"}
    left = [each for each in letters if each.what != DIED or each.replays not in buried]
    is_told = False
    for each in tries:
        earlier = [letter for letter in left if is_before(letter, each)]
        left = [letter for letter in left if not is_before(letter, each)]
        is_told = is_told or any(letter.what == REPLAYED for letter in earlier)
        yield from (_Entry(_line_of_letter(letter), letter) for letter in earlier)
        if each.replays > replays:
            if not is_told:
                yield _Entry(_line_of_replays(each.replays - replays, each.queue), each)
            replays, is_told = each.replays, False
        yield _Entry(_line_of_try(each), each)
    for letter in left:
        yield _Entry(_line_of_letter(letter), letter)


def _line_of_replays(number: int, queue: str) -> TimelineLine:
    often = "" if number == 1 else f" {number} times"
    return TimelineLine(None, f"replayed{often}, not by postroom: the management UI?", queue)


def _line_of_try(each: TryRow) -> TimelineLine:
    error = f"{each.error_type}: {each.error}" if each.error_type else None
    return TimelineLine(
        each.at,
        what_of_try(each),
        each.queue,
        milliseconds=each.milliseconds,
        error=error,
        place=each.place,
        next_at=each.next_at,
    )


def _line_of_letter(letter: DeadLetterEventRow) -> TimelineLine:
    error = letter.reason if letter.what == DIED else None
    return TimelineLine(letter.at, what_of_letter(letter), letter.queue, error=error, was=letter.was)


def _merged(chapters: Iterable[list[_Entry]]) -> list[TimelineLine]:
    """The lines of all queues in the order of time, those of one queue in their own."""
    placed: list[tuple[datetime, TimelineLine]] = []
    for chapter in chapters:
        latest = datetime.min.replace(tzinfo=UTC)
        for line, _ in chapter:
            latest = max(latest, line.at or latest)
            placed.append((latest, line))
    return [line for _, line in sorted(placed, key=lambda pair: pair[0])]


def _count_waits(lines: Sequence[TimelineLine]) -> None:
    before: datetime | None = None
    for line in lines:
        if line.at is not None and before is not None:
            line.after_seconds = max(0.0, round((line.at - before).total_seconds(), 3))
        before = line.at or before


def _published(events: Sequence[EventRow], tries: Sequence[TryRow]) -> TimelineLine | None:
    source: EventRow | TryRow | None = events[0] if events else next(iter(tries), None)
    if source is None:
        return None
    at = source.at if isinstance(source, EventRow) else source.published_at
    by = f" by {source.app_id}" if source.app_id else ""
    return TimelineLine(at, f"published{by}") if at or by or not tries else None


def _kind(events: Sequence[EventRow], tries: Sequence[TryRow], letters: Sequence[DeadLetterEventRow]) -> str:
    kinds = [*(each.kind for each in events), *(each.kind for each in tries), *(each.kind for each in letters)]
    return next((each for each in kinds if each), "") or kind_of(letters[0].queue)


def _correlation(events: Sequence[EventRow], tries: Sequence[TryRow]) -> str | None:
    ids = [*(each.correlation_id for each in events), *(each.correlation_id for each in tries)]
    return next((each for each in ids if each), None)


def _recipients(tries: Sequence[TryRow]) -> list[str]:
    lists = (orjson.loads(each.recipients) for each in tries if each.recipients)
    return list(dict.fromkeys(one for each in lists for one in each))
