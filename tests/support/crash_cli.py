"""The command line as a process: `postroom …`, on the RabbitMQ that the tests run on.

`python -m tests.support.crash_cli` is `postroom`; where POSTROOM_TEST_BROKER=4 asks for it, the RabbitMQ of this
machine that it finds is the 4.x one.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from postroom.devkit.broker_node import find
from postroom.operator.cli import main
from tests.support.crash import left_over
from tests.support.patience import BROKER_STARTS, PROCESS_ENDS, seconds
from tests.support.processes import PROJECT, show_when_red
from tests.support.rabbitmq4 import rabbitmq4_installation

_HIDDEN = ("POSTROOM_AMQP_URL", "POSTROOM_MANAGEMENT_URL", "EMAIL_SMTP_URL", "ALERTING_CHANNELS")


class Command:
    """One `postroom …` that runs in a terminal of its own, as far as Ctrl-C is concerned."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str], output: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
        self._output = output
        show_when_red(f"postroom {' '.join(arguments)}", output)
        with output.open("wb") as target:
            self.process = subprocess.Popen(
                [sys.executable, "-m", __name__, *arguments],
                cwd=PROJECT,
                env={**kept, **environment, "NO_COLOR": "1", "COLUMNS": "120", "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=target,
                stderr=target,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        """Everything it has written so far."""
        return self._output.read_text(errors="replace")

    def wait(self, within: timedelta = PROCESS_ENDS) -> int:
        """Its exit code."""
        return self.process.wait(seconds(within))

    def says(self, words: str, within: timedelta = BROKER_STARTS) -> re.Match[str]:
        """Wait until it has written something that matches `words`."""
        return until(lambda: re.search(words, self.said), f"{words!r} in:\n{self.said}", within, self.process)

    def control_c(self) -> None:
        """What a terminal does on Ctrl-C: SIGINT to the whole group of processes."""
        os.killpg(self.process.pid, signal.SIGINT)


@contextmanager
def command(arguments: list[str], environment: Mapping[str, str], output: Path) -> Iterator[Command]:
    """A started command, killed at the end if it still runs."""
    running = Command(arguments, environment, output)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


def nothing_left(marks: list[str]) -> None:
    """Wait until no process is left that knows any of `marks`; AssertionError names those that are."""
    deadline = time.monotonic() + seconds(PROCESS_ENDS)
    while (found := left_over(marks)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not found, "\n".join(found)


def until(
    check: Callable[[], re.Match[str] | None], what: str, within: timedelta, process: subprocess.Popen[bytes]
) -> re.Match[str]:
    """The first true answer of `check`, while `process` runs and once more when it has ended."""
    deadline = time.monotonic() + seconds(within)
    while time.monotonic() < deadline:
        has_ended = process.poll() is not None
        if answer := check():
            return answer
        assert not has_ended, f"it ended with code {process.returncode} before there was {what}"
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds(within):g} s: {what}")


if __name__ == "__main__":
    # A shell that runs pytest in the background has its children ignore Ctrl-C; in a terminal nothing does.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.environ.get("POSTROOM_TEST_BROKER") == "4":
        find.find_installation = lambda _environment: rabbitmq4_installation()
    main()
