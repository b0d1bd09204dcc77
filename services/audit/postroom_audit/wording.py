"""The words in a message's timeline."""

from collections.abc import Sequence
from datetime import datetime

from postroom import wire
from postroom.durations import duration_in_words
from postroom_audit.events import DIED, DISCARDED, REPLAYED
from postroom_audit.models import DeadLetterEventRow, TryRow


def what_of_try(each: TryRow) -> str:
    """What became of one try, and how long it took."""
    number = f"try {each.attempt}" + (f" of {each.attempts}" if each.attempts else "")
    took = f" in {duration_in_words(each.milliseconds / 1000)}"
    if each.outcome == "done":
        return f"done at {number}{took}"
    if each.outcome == "retried":
        again = f", again in {duration_in_words((each.next_at - each.at).total_seconds())}" if each.next_at else ""
        return f"{number} failed{took}{again}"
    for_good = " for good" if each.attempts and each.attempt < each.attempts else ""
    return f"{number} failed{for_good}{took}: dead letter"


def what_of_letter(letter: DeadLetterEventRow) -> str:
    """What became of a dead letter."""
    by = f" by {letter.who}" if letter.who else ""
    if letter.what == DIED:
        return "dead letter"
    if letter.what == DISCARDED:
        return f"discarded{by}: {letter.reason}"
    return f"{'changed and ' if letter.was else ''}replayed{by}"


def outcome_of(
    tries: Sequence[TryRow],
    letters: Sequence[DeadLetterEventRow],
    last: TryRow | DeadLetterEventRow,
    published_at: datetime | None,
) -> str:
    """The message's state in one queue, in one sentence; `last` is what happened last."""
    after = _after(tries, letters)
    match last.outcome if isinstance(last, TryRow) else last.what:
        case "done":
            return f"done{after}{_since(published_at, last.at)}"
        case "retried" if isinstance(last, TryRow):
            return f"not done{after}; try {last.attempt + 1} is due at {_clock(last.next_at)}"
        case "discarded":
            return f"discarded{after}"
        case "replayed":
            return f"replayed{after}; nothing is recorded of it since"
    is_unrouted = last.queue == wire.UNROUTED_QUEUE
    return f"dead{after}; it waits in {last.queue if is_unrouted else wire.dead_queue(last.queue)}"


def counted(number: int, noun: str) -> str:
    """`1 try`, `3 tries`."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def _after(tries: Sequence[TryRow], letters: Sequence[DeadLetterEventRow]) -> str:
    replay_counts = [each.replays for each in letters if each.what == REPLAYED]
    replays = max(
        [
            len(replay_counts) if None in replay_counts else 0,
            *filter(None, replay_counts),
            *(each.replays for each in tries),
        ]
    )
    counts = [counted(len(tries), "try")] if tries else []
    counts += [counted(replays, "replay")] if replays else []
    return f" after {' and '.join(counts)}" if counts else ""


def _since(published_at: datetime | None, at: datetime) -> str:
    if published_at is None or at < published_at:
        return ""
    return f", {duration_in_words((at - published_at).total_seconds())} after it was published"


def _clock(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "some time"
