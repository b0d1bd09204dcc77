"""An event loop whose clock jumps to the next timer when nobody has anything to do.

What takes a minute by this clock takes no time by the machine's, and a machine that stands still for a minute takes
none by this one: a test of pauses and time limits cannot lose a race. For tests without input and output of their own.
"""

import asyncio
import selectors
from collections.abc import Callable, Mapping


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting for a timer, moves the clock on to it."""

    seconds = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:  # no timer: only a thread or a signal can go on
            return super().select(None)
        ready = super().select(0)
        if not ready:
            self.seconds += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop by the clock of its own."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds by this loop's clock."""
        return self._jumping.seconds


def loop_factories(config: object, item: object) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The hook `pytest_asyncio_loop_factories` for a conftest: every test below it runs in such a loop."""
    return {"virtual-time": VirtualTimeLoop}
