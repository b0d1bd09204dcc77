"""What a command costs before it does anything: processor time of its process, beside a Python that does nothing."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.family import Family, Figures, run_alone, size
from postroom.devkit.broker_node import BrokerNode
from postroom.installation import find_service
from postroom.settings import RuntimeSettings
from postroom.storage.database import database_of

BARE = "Python that does nothing"
CLOSED = "amqp://guest:guest@127.0.0.1:1/"
"""Where no broker answers: what is measured is all that comes before."""

COMMANDS: Mapping[str, Sequence[str]] = {
    "postroom --help": ("--help",),
    "postroom publish": ("publish", "email.send", '{"to": "ada@example.com", "subject": "Hello", "body": "Hi"}'),
    "postroom status": ("status",),
    "postroom dead show": ("dead", "show", "email.send.dead"),
}
WITH_ALERTING = "postroom status, of a database of alerting"


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    command_runs: int = size(10, "runs of each command, of which the best counts")


async def commands(_broker: BrokerNode, sizes: Sizes, figures: Figures) -> None:
    """The best of some runs of each, taken in turns."""
    with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryDirectory() as kept:
        database = database_of(find_service("alerting"), RuntimeSettings(data_dir=Path(kept)))
        await database.migrate()
        await database.close()
        programs = {BARE: ([sys.executable, "-c", "pass"], empty)}
        for name, arguments in COMMANDS.items():
            programs[name] = [sys.executable, "-m", "postroom.operator.cli", *arguments], empty
        programs[WITH_ALERTING] = programs["postroom status"][0], kept
        seconds: dict[str, float] = {}
        for _ in range(sizes.command_runs):
            for name, (program, folder) in programs.items():
                taken = await asyncio.to_thread(processor_seconds, program, folder)
                seconds[name] = min(taken, seconds.get(name, taken))
    figures.add(BARE, seconds[BARE] * 1000, "ms of processor")
    for name in [*COMMANDS, WITH_ALERTING]:
        figures.add(name, seconds[name] / seconds[BARE], f"times {BARE}")


def processor_seconds(program: Sequence[str], data_dir: str) -> float:
    """User and system time of the program, and of what it started and waited for."""
    environment = {**os.environ, "POSTROOM_AMQP_URL": CLOSED, "POSTROOM_DATA_DIR": data_dir}
    process = subprocess.Popen(program, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0  # it is waited for already
    return float(usage.ru_utime + usage.ru_stime)


FAMILY = Family("Commands, before they do anything", Sizes, {"commands": commands}, needs_broker=False)

if __name__ == "__main__":
    run_alone(FAMILY)
