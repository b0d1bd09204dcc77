"""Discarding dead letters, with a trace of who did it and why."""

import getpass
import logging
import socket
from datetime import UTC, datetime

from shared.dead_letters.connection import BROKER_ERRORS, connect, depth_of
from shared.dead_letters.reading import Found, Reader, reading
from shared.dead_letters.selection import Outcome, Selection, Watch, is_meant
from shared.dead_letters.target import Target

log = logging.getLogger(__name__)

_NAMED_AT_ONCE = 100  # message ids in one line of the log


async def discard(
    url: str, target: Target, selection: Selection, *, reason: str, watch: Watch, dry_run: bool = False
) -> Outcome:
    """Delete the selected messages that are in `target.source` now. Who, what and why go to the log first.

    Raises like `replay`; what goes wrong on the way is told in `Outcome.problem`.
    """
    began = datetime.now(UTC)
    async with connect(url) as connection:
        outcome = Outcome(target.source, waiting=await depth_of(connection, target.source))
        try:
            async with reading(connection, target) as reader:
                await _go_through(reader, selection, began, outcome, watch, reason="" if dry_run else reason)
        except BROKER_ERRORS as error:
            outcome.problem = f"the connection was lost ({type(error).__name__}); what was left is still there"
    return outcome


async def _go_through(
    reader: Reader, selection: Selection, began: datetime, outcome: Outcome, watch: Watch, *, reason: str
) -> None:
    meant: list[Found] = []
    async for found in reader.take(outcome.waiting):
        if watch.stop.is_set():
            outcome.is_stopped = True
            break
        if is_meant(found, selection, began, outcome):
            meant.append(found)
        if len(meant) == _NAMED_AT_ONCE:
            await _delete(reader, meant, outcome, reason)
            meant = []
        watch.progressed(outcome)
    await _delete(reader, meant, outcome, reason)
    watch.progressed(outcome)


async def _delete(reader: Reader, meant: list[Found], outcome: Outcome, reason: str) -> None:
    """Delete `meant`; without a reason only count them."""
    if meant and reason:
        who = f"{getpass.getuser()}@{socket.gethostname()}"
        ids = " ".join(found.id for found in meant)
        log.warning("%s discards %d messages of %s: %s: %s", who, len(meant), outcome.queue, reason, ids)
        for found in meant:
            await reader.settle(found)
    outcome.settled += len(meant)
