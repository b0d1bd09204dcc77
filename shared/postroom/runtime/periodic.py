"""Work that is done every so often for as long as its process."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from postroom.privacy.payload import masked_error
from postroom.runtime.background import raise_if_cancelled

log = logging.getLogger(__name__)


async def do_every(
    interval: timedelta,
    step: Callable[[], Awaitable[object]],
    name: str,
    *,
    tolerated: tuple[type[Exception], ...] = (Exception,),
) -> None:
    """Do `step` now and again `interval` after each end of it, until cancelled.

    A step that fails with an error that is `tolerated` is tried again after the same interval. That is logged once for
    each kind of error in a row, and once when it works again. Any other error is raised, and ends it.
    """
    problem = ""
    while True:
        try:
            await step()
        except tolerated as error:
            raise_if_cancelled()
            if problem != type(error).__name__:
                log.warning("%s is tried again every %g s: %s", name, interval.total_seconds(), _words(error))
            problem = type(error).__name__
        else:
            if problem:
                log.info("%s works again", name)
            problem = ""
        await asyncio.sleep(interval.total_seconds())


def _words(error: Exception) -> str:
    return masked_error(f"{type(error).__name__}: {error}")
