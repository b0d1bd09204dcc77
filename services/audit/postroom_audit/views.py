"""How the timeline of a message looks on a terminal of 100 columns."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from postroom.durations import duration_in_words
from postroom.terminal import out, print_table
from postroom_audit.search import FoundMessage
from postroom_audit.timeline import MessageTimeline, TimelineLine

WIDTH = 100
_MOST_OF_AN_ERROR = 240
_COLOURS = {"done": "green", "dead": "red", "discarded": "dim", "retried": "yellow", "replayed": "cyan"}


def print_timeline(timeline: MessageTimeline, console: Console = out) -> None:
    """One message: a line for each thing that happened, the waits between them, and the outcome."""
    console.print(f"[bold]{escape(timeline.kind)}[/] {escape(timeline.message_id)}", highlight=False, soft_wrap=True)
    if timeline.recipients:
        console.print(f"for {escape(', '.join(timeline.recipients))}", highlight=False, width=WIDTH)
    if timeline.correlation_id:
        console.print(f"correlation id {escape(timeline.correlation_id)}", highlight=False, soft_wrap=True)
    console.print()
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, width=19)
    table.add_column(no_wrap=True, justify="right", min_width=11)
    table.add_column(overflow="fold")
    table.add_row("[dim]time (UTC)[/]", "[dim]after[/]", "")
    queues = {line.queue for line in timeline.lines if line.queue}
    error = None
    for line in timeline.lines:
        what, *more = map(escape, _texts(line, error, queue=line.queue if len(queues) > 1 else None))
        table.add_row(_time(line.at), _wait(line.after_seconds), "\n".join((f"[bold]{what}[/]", *more)))
        error = line.error or error
    console.print(table, width=min(console.width, WIDTH), highlight=False)
    console.print()
    for outcome in timeline.outcomes:
        console.print(f"[bold]{escape(outcome)}[/]", highlight=False, width=WIDTH)


def print_found(found: Sequence[FoundMessage]) -> None:
    """One row for each message."""
    rows = [
        (
            _time(each.at),
            f"[{_COLOURS.get(each.state, 'default')}]{each.state}[/]",
            escape(each.queue or each.kind),
            escape(each.message_id),
            escape("\n".join([_counts(each), *filter(None, [_short(each.error, 120)]), *each.recipients])),
        )
        for each in found
    ]
    print_table(("time (UTC)", "state", "queue", "message id", "tries, error, recipients"), rows)


def _texts(line: TimelineLine, error_before: str | None, *, queue: str | None) -> Iterator[str]:
    """What happened, and below it what it died of: once, where several tries in a row died of the same."""
    same = ", the same error" if line.error and line.error == error_before else ""
    yield f"{f'{queue}: ' if queue else ''}{line.what}{same}"
    if line.error and not same:
        yield _short(line.error, _MOST_OF_AN_ERROR)
        if line.place:
            yield f"in {line.place}"
    if line.was:
        yield f"before: {_short(line.was, _MOST_OF_AN_ERROR)}"


def _counts(each: FoundMessage) -> str:
    tries = f"{each.tries} {'try' if each.tries == 1 else 'tries'}" if each.tries else "no try"
    return f"{tries}, {each.replays} replayed" if each.replays else tries


def _short(text: str | None, most: int) -> str:
    line = " ".join((text or "").split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _time(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if moment else "?"


def _wait(seconds: float | None) -> str:
    return "" if seconds is None else f"+{duration_in_words(seconds)}"
