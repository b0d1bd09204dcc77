"""Rows of the history become the timeline of a message."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postroom_audit.models import DeadLetterEventRow, EventRow, TryRow
from postroom_audit.timeline import MessageTimeline, build_timeline

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
DIED = "died"


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def make_try(seconds: float, outcome: str, **changes: Any) -> TryRow:
    """A try that ended so many seconds after noon."""
    failed = {} if outcome == "done" else {"error_type": "Refused", "error": "no"}
    fields = {
        "try_id": f"t-{seconds}",
        "at": at(seconds),
        "service": "email",
        "queue": "email.send",
        "kind": "email.send",
        "message_id": "m",
        "attempt": 1,
        "attempts": 3,
        "replays": 0,
        "outcome": outcome,
        "milliseconds": 12.0,
    }
    return TryRow(**fields | failed | changes)


def letter(seconds: float, what: str, **changes: Any) -> DeadLetterEventRow:
    """Something that became of the dead letter so many seconds after noon."""
    who = {} if what == DIED else {"who": "ada@ops"}
    fields = {"message_id": "m", "queue": "email.send", "told_by": f"e-{seconds}", "at": at(seconds), "what": what}
    return DeadLetterEventRow(**fields | who | changes)


def story_of(*rows: TryRow | DeadLetterEventRow | EventRow) -> MessageTimeline:
    return build_timeline(
        "m",
        [row for row in rows if isinstance(row, EventRow)],
        [row for row in rows if isinstance(row, TryRow)],
        [row for row in rows if isinstance(row, DeadLetterEventRow)],
    )


def told(*rows: TryRow | DeadLetterEventRow | EventRow) -> list[str]:
    return [line.what for line in story_of(*rows).lines]


DEAD = make_try(2, "dead", attempt=3)


def test_each_try_says_how_it_went_and_when_the_next_one_is() -> None:
    story = story_of(
        make_try(0, "retried", published_at=NOON - timedelta(hours=2, minutes=13), app_id="shop", next_at=at(1)),
        make_try(1.5, "retried", attempt=2, next_at=at(3)),
        make_try(3.5, "done", attempt=3),
    )

    assert [(line.what, line.after_seconds) for line in story.lines] == [
        ("published by shop", None),
        ("try 1 of 3 failed in 12 ms, again in 1 s", 7980),
        ("try 2 of 3 failed in 12 ms, again in 2 s", 1.5),
        ("done at try 3 of 3 in 12 ms", 2),
    ]
    assert story.outcomes == ["done after 3 tries, 2 h 13 min after it was published"]


def test_a_death_that_two_tell_of_stands_there_once() -> None:
    assert told(DEAD, letter(1.9, DIED, replays=0)) == ["try 3 of 3 failed in 12 ms: dead letter"]


def test_what_the_broker_buried_no_try_tells() -> None:
    story = story_of(make_try(0, "retried", next_at=at(1)), letter(60, DIED, replays=0, reason="DeliveryLimit: 20"))

    assert [(line.what, line.error) for line in story.lines[1:]] == [("dead letter", "DeliveryLimit: 20")]
    assert story.outcomes == ["dead after 1 try; it waits in email.send.dead"]


def test_a_job_that_no_queue_took_waits_in_unrouted() -> None:
    story = story_of(letter(1, DIED, queue="unrouted", replays=0, reason="Unrouted: no service"))

    assert story.outcomes == ["dead; it waits in unrouted"]


def test_a_replay_that_nobody_told_of_is_read_from_the_count() -> None:
    story = story_of(DEAD, make_try(60, "done", replays=1))

    assert [(line.what, line.at) for line in story.lines[1:2]] == [
        ("replayed, not by postroom: the management UI?", None)
    ]
    assert story.lines[-1].after_seconds == 58
    assert story.outcomes == ["done after 2 tries and 1 replay"]


def test_a_replay_stands_before_the_try_that_came_of_it_whatever_the_clocks_say() -> None:
    ahead = letter(65, "replayed", replays=1)  # the clock of the machine that replayed is five seconds ahead
    behind = letter(1, "replayed", replays=1)  # or one second behind the one that buried it

    for replayed in (ahead, behind):
        assert told(DEAD, replayed, make_try(60, "done", replays=1))[1:] == [
            "replayed by ada@ops",
            "done at try 1 of 3 in 12 ms",
        ]
    assert story_of(DEAD, behind).outcomes == ["replayed after 1 try and 1 replay; nothing is recorded of it since"]


def test_a_job_that_no_queue_took_and_a_person_published_again_is_where_its_queue_says() -> None:
    died = letter(0, DIED, queue="unrouted", kind="email.send", replays=0, reason="Unrouted: no queue takes email.send")
    published_again = letter(28, "replayed", queue="unrouted", replays=1)

    waiting = story_of(died, published_again)
    done = story_of(died, published_again, make_try(29, "done", replays=1))

    assert waiting.outcomes == ["replayed after 1 replay; nothing is recorded of it since"]
    assert [(line.queue, line.what) for line in done.lines] == [
        ("unrouted", "dead letter"),
        ("unrouted", "replayed by ada@ops"),
        ("email.send", "done at try 1 of 3 in 12 ms"),
    ]
    assert done.outcomes == ["done after 1 try and 1 replay"]
    assert done.kind == "email.send"


def test_of_two_replays_each_is_told_once_by_whoever_did_it() -> None:
    rows = (letter(10, "replayed"), make_try(11, "dead", replays=1), make_try(20, "dead", replays=2))

    assert told(DEAD, *rows)[1:] == [
        "replayed by ada@ops",
        "try 1 of 3 failed for good in 12 ms: dead letter",
        "replayed, not by postroom: the management UI?",
        "try 1 of 3 failed for good in 12 ms: dead letter",
    ]


@pytest.mark.parametrize(
    ("last", "line", "outcome"),
    [
        (
            letter(9, "replayed", was='{"to":""}'),
            "changed and replayed by ada@ops",
            "replayed after 1 try and 1 replay; nothing is recorded of it since",
        ),
        (letter(9, "discarded", reason="#123"), "discarded by ada@ops: #123", "discarded after 1 try"),
    ],
)
def test_a_story_may_end_with_what_a_person_did(last: DeadLetterEventRow, line: str, outcome: str) -> None:
    story = story_of(DEAD, last)

    assert (story.lines[-1].what, story.lines[-1].was, story.outcomes) == (line, last.was, [outcome])


def test_what_waits_for_its_next_try_says_when_that_is() -> None:
    story = story_of(make_try(0, "retried", next_at=at(90)))

    assert story.outcomes == ["not done after 1 try; try 2 is due at 2026-11-25 12:01:30 UTC"]


def test_an_event_with_several_listeners_has_an_outcome_for_each() -> None:
    event = EventRow(kind="user.created", at=NOON, message_id="m", app_id="shop", body="{}", recorded_at=NOON)
    mail = {"queue": "email.on.user.created", "kind": "user.created"}
    text = {"queue": "sms.on.user.created", "kind": "user.created"}

    story = story_of(
        event,
        make_try(5, "dead", **mail),
        make_try(2, "retried", next_at=at(3), **text),
        make_try(4, "done", attempt=2, **text),
    )

    assert [(line.queue, line.what.partition(" in ")[0]) for line in story.lines] == [
        (None, "published by shop"),
        ("sms.on.user.created", "try 1 of 3 failed"),
        ("sms.on.user.created", "done at try 2 of 3"),
        ("email.on.user.created", "try 1 of 3 failed for good"),
    ]
    assert sorted(story.outcomes) == [
        "email.on.user.created: dead after 1 try; it waits in email.on.user.created.dead",
        "sms.on.user.created: done after 2 tries, 4 s after it was published",
    ]
