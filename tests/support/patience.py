"""How long tests wait before they call something broken: one number per kind of wait.

Each is what a machine of two cores needs, busy with four tests at a time, with room to spare: a wait that succeeds
costs nothing, so none of them is short. `patience` stretches them by a factor that the run measures at its start.
What a test asserts is never that something was fast: speed is measured in dead_harness/.
"""

import os
import subprocess
import sys
import time
from datetime import timedelta

from postroom.patience import patience
from postroom.testing.waiting import REACTION

__all__ = [
    "BROKER_STARTS", "COUNTED", "PATIENCE", "PROCESS_ENDS", "PROCESS_STARTS", "REACTION", "TAKEN_OVER", "WORK",
    "begin", "patience", "seconds",
]  # fmt: skip

PATIENCE = "POSTROOM_PATIENCE"
PROCESS_STARTS = timedelta(seconds=120)
"""Until a process of ours runs and is ready; it imports what it needs, makes its tables and connects."""
PROCESS_ENDS = timedelta(seconds=90)
"""Until a process that was told to end has done what was in its hands and is gone; our own deadline is 25 s."""
BROKER_STARTS = timedelta(seconds=180)
"""Until a RabbitMQ node of the test's own is up, also as a part of `postroom up` and of the demo."""
COUNTED = timedelta(seconds=90)
"""Until RabbitMQ's management API has counted: it does so every five seconds."""
TAKEN_OVER = timedelta(seconds=120)
"""Until the work of a process that was killed or frozen is done by another: its lease ends after some ten seconds."""
WORK = timedelta(seconds=240)
"""Until hundreds of messages, some of them tried several times, or a report of many rows are done."""

QUIET_PROCESS_SECONDS, QUIET_BROKER_SECONDS = 1.0, 10.0
"""What a Python process, and the broker that all tests share, take to come up on two cores that have time."""
BESIDE_EACH_OTHER = 2.0
"""Tests that run four at a time make each other wait."""


def seconds(nominal: timedelta) -> float:
    """`patience`, for those who take seconds: time-outs of processes and sockets."""
    return patience(nominal).total_seconds()


def begin() -> float:
    """Measure this machine and have every wait of this run, in all its processes, stretched by it.

    A larger factor that is given in the environment stays. Returns the factor.
    """
    lengthen(BESIDE_EACH_OTHER)
    return lengthen(BESIDE_EACH_OTHER * _start_a_process() / QUIET_PROCESS_SECONDS)


def lengthen(factor: float) -> float:
    """Wait at least so many times as long from now on, in this process and those it starts. Returns the factor."""
    longer = max(factor, float(os.environ.get(PATIENCE) or 1))
    os.environ[PATIENCE] = f"{longer:.1f}"
    return longer


def broker_came_up(after_seconds: float) -> None:
    """Learn from how long the shared broker took."""
    lengthen(BESIDE_EACH_OTHER * after_seconds / QUIET_BROKER_SECONDS)


def _start_a_process() -> float:
    """Seconds until a Python process has imported what a service needs; the better of two."""

    def once() -> float:
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", "import postroom.runtime.serving"], check=True)
        return time.monotonic() - began

    return min(once(), once())
