"""Dead letters into a file, as lines of JSON (lines.py). All of them stay in their queue."""

from collections.abc import Callable
from datetime import UTC, datetime

from shared.dead_letters.connection import BROKER_ERRORS, connect, depth_of
from shared.dead_letters.lines import as_line
from shared.dead_letters.reading import reading
from shared.dead_letters.selection import Outcome, Selection, Watch, is_meant
from shared.dead_letters.target import Target


async def export(
    url: str, target: Target, selection: Selection, *, write: Callable[[bytes], object], watch: Watch
) -> Outcome:
    """Give the selected messages of `target.source` to `write`, a line each; all stay where they are.

    `settled` counts the lines. Raises like `replay`, and whatever `write` raises.
    """
    began = datetime.now(UTC)
    async with connect(url) as connection:
        outcome = Outcome(target.source, waiting=await depth_of(connection, target.source))
        try:
            async with reading(connection, target) as reader:
                async for found in reader.take(outcome.waiting):
                    if watch.stop.is_set():
                        outcome.is_stopped = True
                        break
                    if is_meant(found, selection, began, outcome):
                        write(as_line(found, target))
                        outcome.settled += 1
                    watch.progressed(outcome)
        except BROKER_ERRORS as error:
            outcome.problem = f"the connection was lost ({type(error).__name__}) before all was written"
    return outcome
