"""Servers that all workers of one test run share: started by the first test that asks, gone when the run is.

A holder process runs each of them (`python -m tests.support.servers NAME PID`) for as long as the process PID lives,
which is pytest itself: under pytest-xdist the worker that asked first may be the first to finish.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from postroom.devkit.broker_node.guardian import ProcessWatch
from postroom.wire.errors import PostroomError
from tests.support.brokers import broker_facts
from tests.support.patience import PROCESS_ENDS, broker_came_up, seconds
from tests.support.postgres import postgres_facts
from tests.support.prefork import prefork_facts

PROJECT = Path(__file__).parents[2]
SESSION, OWNER = "POSTROOM_TEST_SESSION", "POSTROOM_TEST_OWNER"
SERVERS: Mapping[str, Callable[[], AbstractContextManager[dict[str, Any]]]] = {
    "broker": broker_facts,
    "postgres": postgres_facts,
    "prefork": prefork_facts,
}


class NotHere(Exception):
    """The server cannot be had on this machine. The message says why."""


def begin_session() -> None:
    """Make the folder in which the workers of this run find each other's servers. Called once, in pytest itself."""
    os.environ[SESSION] = tempfile.mkdtemp(prefix="postroom-tests-")
    os.environ[OWNER] = str(os.getpid())


def end_session() -> None:
    """Stop what was started and wait until it is gone."""
    session = _session()
    holders = [json.loads(state.read_text()).get("holder") for state in session.glob("*.json")]
    watches = [ProcessWatch(holder) for holder in holders if holder]
    for holder in filter(None, holders):
        with suppress(ProcessLookupError):
            os.kill(holder, signal.SIGTERM)
    for watch in watches:
        watch.ended(within=seconds(PROCESS_ENDS))  # if not, the guardians see to it; the run need not hang
    shutil.rmtree(session, ignore_errors=True)


def shared_server(name: str) -> dict[str, Any]:
    """What there is to know about the server `name`, which runs from now on. Raises NotHere."""
    with _only_one_worker():
        state = _session() / f"{name}.json"
        if not state.exists():
            _start_holder(name, state)
        facts: dict[str, Any] = json.loads(state.read_text())
    if "missing" in facts:
        raise NotHere(facts["missing"])
    if name == "broker":
        broker_came_up(facts["seconds"])
    return facts


@contextmanager
def _only_one_worker() -> Iterator[None]:
    descriptor = os.open(_session(), os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _session() -> Path:
    return Path(os.environ[SESSION])


def _start_holder(name: str, state: Path) -> None:
    log = state.with_suffix(".log")
    with log.open("wb") as output:
        holder = subprocess.Popen(
            [sys.executable, "-m", "tests.support.servers", name, os.environ[OWNER]],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    while not state.exists():
        if holder.poll() is not None and not state.exists():
            raise RuntimeError(f"the holder of {name} ended:\n{log.read_text()}")
        time.sleep(0.05)
    holder.returncode = 0  # it outlives this process and is ended by `end_session`: nobody here is to wait for it


def hold(name: str, owner: int) -> None:
    """Run the server `name` until the process `owner` ends or SIGTERM comes."""
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
    state = _session() / f"{name}.json"
    watch = ProcessWatch(owner)
    try:
        began = time.monotonic()
        with SERVERS[name]() as facts:
            _write(state, {**facts, "holder": os.getpid(), "seconds": time.monotonic() - began})
            while not told and not watch.ended(within=0.2):
                pass
        state.unlink(missing_ok=True)
    except PostroomError as error:
        _write(state, {"missing": str(error)})
    finally:
        if watch.ended():  # pytest was killed: nobody else removes it
            shutil.rmtree(state.parent, ignore_errors=True)


def _write(state: Path, facts: Mapping[str, Any]) -> None:
    unfinished = state.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(facts))
    unfinished.rename(state)


if __name__ == "__main__":
    hold(sys.argv[1], int(sys.argv[2]))
