"""Dead letters into a file, as lines of JSON (json_lines.py). All of them stay in their queue."""

from collections.abc import Callable

from postroom.broker.plain_connection import connect
from postroom.operator.dead_letters.json_lines import as_line
from postroom.operator.dead_letters.reading import READ_ERRORS, reading, why_ended
from postroom.operator.dead_letters.selection import RunControl, RunOutcome, Selection, is_meant
from postroom.operator.dead_letters.target import ReplayTarget


async def export(
    url: str, target: ReplayTarget, selection: Selection, *, write: Callable[[bytes], object], control: RunControl
) -> RunOutcome:
    """Give the selected messages of `target.source` to `write`, a line each; all stay where they are.

    `settled` counts the lines. Raises like `replay`, and whatever `write` raises.
    """
    async with connect(url) as connection:
        outcome = await RunOutcome.begin(connection, target, selection)
        try:
            async with reading(connection, target, control.stop) as reader:
                async for batch in reader.batches(outcome.waiting):
                    for found in batch:
                        if is_meant(found, selection, outcome):
                            write(as_line(found, target))
                            outcome.settled += 1
                    control.progressed(outcome)
        except READ_ERRORS as error:
            outcome.problem = f"{why_ended(error)}; not all was written"
    outcome.is_stopped = control.stop.is_set()
    return outcome
