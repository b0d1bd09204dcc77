"""How dead letters look on a terminal and as JSON."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from postroom.operator.cli.dead_timeline import as_text
from postroom.operator.dead_letters import (
    QueuedDeadLetter,
    QueueSummary,
    RunOutcome,
    masked_error,
    masked_headers,
    masked_payload,
)
from postroom.read_ports import TimelineEntry
from postroom.terminal import complain, note, out
from postroom.wire.dead_letter import text_of

_LONGEST_NAME = 255
_LONGEST_HEADER = 1024


def print_summaries(summaries: Sequence[QueueSummary]) -> None:
    """One table for all queues, and what to type next."""
    if not summaries:
        out.print("No dead letters.")
        return
    table = Table("queue", "messages", "error", "group", "oldest", "newest")
    for summary in summaries:
        table.add_row(f"[bold]{escape(summary.queue)}[/]", f"[bold]{summary.waiting}[/]", "", "", "", "")
        for group in summary.groups:
            cause = group.cause
            place = f"\n[dim]in {escape(cause.place)}[/]" if cause.place else ""
            error = f"{escape(cause.error_type)}: {escape(masked_error(cause.error))}{place}"
            table.add_row("", str(group.count), error, cause.key, _age(group.oldest), _age(group.newest))
        table.add_section()
    out.print(table)
    for summary in summaries:
        if summary.examined < summary.waiting:
            note(
                f"{summary.queue}: {summary.examined} of {summary.waiting} messages were read; "
                f"--limit {summary.waiting} reads all (or somebody else is reading the queue)"
            )
    example = next((summary for summary in summaries if summary.groups), None)
    if example is not None:
        out.print(
            f"Next:  postroom dead show {escape(example.queue)} --group {example.groups[0].cause.key}", highlight=False
        )


def print_found(found: QueuedDeadLetter, timeline: Sequence[TimelineEntry], *, unmasked: bool) -> None:
    """One message, whole, with what happened to it so far."""
    letter = found.letter
    table = Table.grid(padding=(0, 2))
    rows = {
        "id": found.id,
        "kind": letter.kind,
        "error": f"{letter.error_type}: {letter.error if unmasked else masked_error(letter.error)}",
        "place": letter.place or "unknown",
        "group": letter.cause.key,
        "died": _time(letter.failed_at),
        "attempts": str(letter.attempts),
        "replays": str(letter.replays),
        "size": f"{len(found.message.body)} bytes, {found.message.content_type or 'no content type'}",
        "headers": "\n".join(f"{name}: {value}" for name, value in _headers(found, unmasked=unmasked).items()),
        "body": _body(found, unmasked=unmasked),
    }
    if timeline:
        rows["timeline"] = as_text(timeline)
    for name, value in rows.items():
        table.add_row(f"[bold]{name}[/]", escape(value))
    out.print(table)
    out.print()


def json_of_found(found: QueuedDeadLetter, timeline: Sequence[TimelineEntry], *, unmasked: bool) -> dict[str, Any]:
    """One message for `--json`."""
    letter = found.letter
    return {
        "id": found.id,
        "queue": letter.queue,
        "kind": letter.kind,
        "error_type": letter.error_type,
        "error": letter.error if unmasked else masked_error(letter.error),
        "place": letter.place,
        "group": letter.cause.key,
        "failed_at": letter.failed_at,
        "attempts": letter.attempts,
        "replays": letter.replays,
        "headers": _headers(found, unmasked=unmasked),
        "body": _body(found, unmasked=unmasked),
        "timeline": list(timeline),
    }


def print_outcome(outcome: RunOutcome, *, done: str, missing: int) -> None:
    """What a run did, in a few lines; problems on stderr."""
    out.print(f"{escape(outcome.queue)}: {outcome.settled} of {outcome.waiting} {done}", highlight=False)
    if outcome.not_selected:
        out.print(f"  {outcome.not_selected} not selected, given back", highlight=False)
    if outcome.died_again:
        out.print(f"  {outcome.died_again} died again after it was replayed, left there", highlight=False)
    if not outcome.waiting:
        note(f"no message waits in {outcome.queue}; those that somebody else is reading now cannot be seen")
    for reason, count in outcome.refused.items():
        note(f"{count} left there: {reason}")
    if outcome.is_stopped:
        note(f"stopped; {outcome.waiting - outcome.settled} of {outcome.waiting} are still in {outcome.queue}")
    elif missing:
        note(f"{missing} of the given ids {'is' if missing == 1 else 'are'} not in {outcome.queue}")
    if outcome.problem:
        complain(outcome.problem)


def _headers(found: QueuedDeadLetter, *, unmasked: bool) -> dict[str, str]:
    headers = found.message.headers if unmasked else masked_headers(found.message.headers)
    return {text_of(name, _LONGEST_NAME): text_of(value, _LONGEST_HEADER) for name, value in headers.items()}


def _body(found: QueuedDeadLetter, *, unmasked: bool) -> str:
    body = found.message.body
    return text_of(body, len(body)) if unmasked else masked_payload(body)


def _time(moment: datetime | None) -> str:
    if moment is None:
        return "unknown"
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, {_age(moment)}"


def _age(moment: datetime | None) -> str:
    """`3 min ago`, as long ago as a person would say it."""
    if moment is None:
        return "unknown"
    seconds = max(0, int((datetime.now(UTC) - moment).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"
