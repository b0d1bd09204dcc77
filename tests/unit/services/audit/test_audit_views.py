"""The timeline of a message on a terminal of 100 columns."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from postroom_audit.timeline import MessageTimeline, TimelineLine
from postroom_audit.views import print_timeline

LONG = "451 4.2.1 mailbox busy, try again later; " * 30


def make_line(second: int, what: str, **changes: Any) -> TimelineLine:
    """A line, of a moment within one minute."""
    return replace(TimelineLine(datetime(2026, 11, 25, 2, 10, second, tzinfo=UTC), what), **changes)


def shown(*lines: TimelineLine, **changes: Any) -> list[str]:
    timeline = MessageTimeline("m-1", "email.send", None, [], list(lines), ["done after 2 tries"])
    console = Console(width=180)
    with console.capture() as capture:
        print_timeline(replace(timeline, **changes), console)
    return [line.rstrip() for line in capture.get().splitlines()]


def test_twelve_tries_with_the_longest_error_fit_on_one_screen() -> None:
    tries = [make_line(n, f"try {n} of 12 failed", error=LONG, place="p.f", after_seconds=8123.4) for n in range(12)]

    lines = shown(*tries, recipients=[f"a{n}•••@example.com" for n in range(10)])

    assert max(map(len, lines)) <= 100
    assert len(lines) < 40
    assert sum("mailbox busy" in line for line in lines[:10]) > 0
    assert sum("the same error" in line for line in lines) == 11


def test_another_error_is_told_again_and_waits_stand_between() -> None:
    lines = shown(
        make_line(1, "try 1 of 3 failed", error="A: one"),
        make_line(3, "try 2 of 3 failed", error="B: two", place="postroom_email.send", after_seconds=2),
        make_line(0, "replayed", at=None, was='{"to":"[bold]"}'),
    )

    assert [" ".join(line.split()) for line in lines[3:9]] == [
        "2026-11-25 02:10:01 try 1 of 3 failed",
        "A: one",
        "2026-11-25 02:10:03 +2 s try 2 of 3 failed",
        "B: two",
        "in postroom_email.send",
        "? replayed",
    ]
    assert lines[9].strip() == 'before: {"to":"[bold]"}'  # nothing in it is markup


def test_where_several_queues_had_it_each_line_says_which() -> None:
    lines = shown(make_line(1, "done", queue="a.on.x"), make_line(2, "done", queue="b.on.x", after_seconds=1))

    assert [line.split()[-2:] for line in lines[3:5]] == [["a.on.x:", "done"], ["b.on.x:", "done"]]
