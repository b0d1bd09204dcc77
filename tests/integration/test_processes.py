"""What tests start programs with: a forked process is one like any other, and nothing of one stays."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from postroom.testing import eventually
from tests.support.patience import PROCESS_ENDS, seconds
from tests.support.prefork import PreforkedProcess
from tests.support.processes import run
from tests.support.servers import shared_server

SAYS = """
import os, sys, time
print(sys.argv[1:], os.environ.get("GREETING"), os.environ.get("HOME"), os.getcwd(), sys.stdin.read(), flush=True)
print("to the other", file=sys.stderr)
sys.exit(int(sys.argv[1]))
"""
WAITS = "import time\nprint('begun', flush=True)\ntime.sleep(100_000)\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "says.py").write_text(SAYS)
    (tmp_path / "waits.py").write_text(WAITS)
    (tmp_path / "given").write_text("given")
    return tmp_path


@contextmanager
def forked(folder: Path, *arguments: str, **environment: str) -> Iterator[PreforkedProcess]:
    """A program in that folder, where it finds its modules, writing into `said`."""
    with (folder / "given").open() as given, (folder / "said").open("w") as said:
        streams = (given.fileno(), said.fileno(), said.fileno())
        process = PreforkedProcess(shared_server("prefork")["socket"], arguments, environment, folder, streams)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_forked_process_has_arguments_environment_folder_streams_and_exit_code_of_its_own(folder: Path) -> None:
    with forked(folder, "says", "7", "two", GREETING="hello") as process:
        assert process.wait(seconds(PROCESS_ENDS)) == 7
    said = (folder / "said").read_text()
    assert said == f"['7', 'two'] hello None {folder} given\nto the other\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_forked_process_is_ended_by_a_signal_like_any_other(folder: Path, number: signal.Signals) -> None:
    with forked(folder, "waits") as process:
        await eventually(lambda: (folder / "said").read_text() == "begun\n")
        assert process.poll() is None

        process.send_signal(number)

        assert process.wait(seconds(PROCESS_ENDS)) == -number
    assert not psutil.pid_exists(process.pid)


async def test_a_forked_process_ends_with_who_holds_it(folder: Path) -> None:
    with forked(folder, "waits") as process:
        await eventually(lambda: (folder / "said").read_text() == "begun\n")

        process._connection.shutdown(socket.SHUT_RDWR)  # as the kernel does for one that was killed

        await eventually(lambda: not psutil.pid_exists(process.pid))


async def test_a_program_is_killed_when_its_test_gives_up(folder: Path) -> None:
    waiting = asyncio.create_task(run(sys.executable, "waits.py", cwd=folder, environment={"MARK": str(folder)}))
    child = await eventually(lambda: [each for each in psutil.Process().children() if "waits.py" in each.cmdline()])

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert not child[0].is_running()


async def test_below_a_red_test_stands_what_its_programs_said(tmp_path: Path) -> None:
    (tmp_path / "test_red.py").write_text(
        "from tests.support.processes import show_when_red\n"
        "def test_red(tmp_path):\n"
        "    log = tmp_path / 'log'\n"
        "    log.write_text('-'.join(['before', 'it']))\n"
        "    show_when_red('the service', log)\n"
        "    with log.open('a') as more:\n"
        "        more.write('-'.join(['out', 'of', 'paper']))\n"
        "    assert False\n"
    )
    options = ("-p", "no:cacheprovider", "-p", "tests.conftest", "--rootdir", str(tmp_path), "--import-mode=importlib")
    red = await run(
        *(sys.executable, "-m", "pytest", *options, str(tmp_path / "test_red.py")),
        environment={"PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert red.code == 1
    assert "Log of the service" in red.output
    assert "out-of-paper" in red.output
    assert "before-it" not in red.output
