"""A small process that owns one server, so that the server never outlives the program that asked for it.

It runs in a session of its own: Ctrl-C at the owner's terminal does not reach the server before the owner is done
with it. When the owner ends, for whatever reason, kill -9 included, it ends the server and removes its folders.
Standard library only: it is started by its path, and must be quick.
"""

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

LOOK_EVERY_SECONDS = 0.2
KILLED_WITHIN_SECONDS = 10


class ProcessWatch:
    """Whether a process has ended. A zombie counts as ended where the system can tell (Linux)."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._descriptor: int | None = None
        self._ended = False
        try:
            self._descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            self._ended = True
        except (AttributeError, OSError):
            pass  # no pidfd here (macOS, old kernels): looked up by its number instead

    def ended(self, *, within: float = 0) -> bool:
        """Wait up to `within` seconds for the end of the process."""
        if self._ended or self._descriptor is None:
            time.sleep(0 if self._ended else within)
            return self._ended or not exists(self._pid)
        with selectors.DefaultSelector() as selector:
            selector.register(self._descriptor, selectors.EVENT_READ)
            return bool(selector.select(within))


def exists(pid: int) -> bool:
    """Whether there is a process of that number; a zombie counts."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class Server:
    """The server and the processes it needs beside it, as children of this process."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan
        self._server: subprocess.Popen[bytes] | None = None
        self._companions: list[subprocess.Popen[bytes]] = []

    def start(self) -> int:
        """Start it, again if need be, and return its process id."""
        if self._server is not None and self._server.poll() is None:
            return self._server.pid
        for companion in self._companions:
            _end(companion, signal.SIGKILL)
        self._companions = [self._run(command) for command in self._plan["companions"]]
        self._server = self._run(self._plan["command"])
        return self._server.pid

    def end(self, how: int, patience_seconds: float) -> None:
        """Send the signal `how`; what is still there after `patience_seconds` is killed."""
        if self._server is not None:
            _end(self._server, how, patience_seconds)
        for companion in self._companions:
            _end(companion, signal.SIGKILL)
        self._companions = []

    def reap(self) -> None:
        """Let the system forget children that have ended, so that the owner can see that they have."""
        for child in (self._server, *self._companions):
            if child is not None:
                child.poll()

    def _run(self, command: list[str]) -> subprocess.Popen[bytes]:
        user = self._plan["user"]
        with Path(self._plan["log"]).open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._plan["folder"],
                env=self._plan["environment"],
                start_new_session=True,
                **({"user": user[0], "group": user[1], "extra_groups": []} if user else {}),
            )


def _end(child: subprocess.Popen[bytes], how: int, patience_seconds: float = 0) -> None:
    if child.poll() is None and how != signal.SIGKILL:
        child.send_signal(how)
        try:
            child.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            how = signal.SIGKILL
    with suppress(ProcessLookupError, PermissionError):  # nothing of the group is left; macOS refuses then
        os.killpg(child.pid, signal.SIGKILL)  # also what the server itself had started
    with suppress(subprocess.TimeoutExpired):  # stuck in the kernel: nothing more can be done from here
        child.wait(KILLED_WITHIN_SECONDS)


def _obey(order: str, server: Server, plan: dict[str, Any]) -> dict[str, Any]:
    try:
        if order == "start":
            return {"pid": server.start()}
        if order == "kill":
            server.end(signal.SIGKILL, 0)
        elif order == "stop":
            server.end(plan["stop_signal"], plan["patience_seconds"])
    except OSError as error:
        return {"error": str(error)}
    return {}


def main() -> None:
    """Carry out the owner's commands, one a line on standard input, until `end` or until the owner is gone."""
    plan: dict[str, Any] = json.loads(sys.argv[1])
    told_to_end: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: told_to_end.append(number))
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(ignored, signal.SIG_IGN)
    owner = ProcessWatch(plan["owner"])
    server = Server(plan)
    orders = b""
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        # A child that the owner forked may hold the other end of the pipe open: so its process is watched as well.
        while not told_to_end and not owner.ended():
            server.reap()
            if not selector.select(LOOK_EVERY_SECONDS):
                continue
            received = os.read(0, 4096)
            orders += received
            *complete, orders = orders.split(b"\n")
            if not received or b"end" in complete:
                break
            for order in complete:
                _answer(_obey(order.decode(), server, plan))
    server.end(plan["end_signal"], plan["patience_seconds"])
    for path in plan["remove"]:
        _remove(Path(path))


def _answer(answer: dict[str, Any]) -> None:
    with suppress(BrokenPipeError):  # the owner is gone; the next look at it ends the loop
        os.write(1, json.dumps(answer).encode() + b"\n")


def _remove(path: Path) -> None:
    if path.is_symlink():
        path.unlink(missing_ok=True)
        return
    deadline = time.monotonic() + KILLED_WITHIN_SECONDS
    while path.exists() and time.monotonic() < deadline:
        shutil.rmtree(path, ignore_errors=True)
        time.sleep(0 if not path.exists() else 0.05)


if __name__ == "__main__":
    main()
