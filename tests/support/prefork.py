"""Processes that need not import everything again: forked from one that already has.

`python -m <module> <arguments>` takes one to three seconds of processor time before it does anything, and the tests
start some hundreds. One server of the run imports what they need, once, and forks a process for each: with environment,
working directory, standard streams and process id of its own, so that it can be killed, frozen and measured like any
other. How a program starts from nothing is seen where that is what is tested: `postroom up`, the demo, the documents.
"""

import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from postroom import terminal
from postroom.installation import installed_services

PROJECT = Path(__file__).parents[2]
SESSION = "POSTROOM_TEST_SESSION"
NOT_IMPORTED = {"__main__", "child", "migrations"}
"""They do something when they are imported, or are to begin small."""
LONGEST_ORDER = 100_000
CLIENT = """#!{python} -IS
# Does `python -m ...` like an interpreter, by the server that has imported everything.
import json, os, socket, sys
connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
connection.connect({socket!r})
order = {{"arguments": sys.argv[2:], "environment": dict(os.environ), "cwd": os.getcwd()}}
socket.send_fds(connection, [json.dumps(order).encode()], [0, 1, 2])
connection.recv(100)
sys.exit(int(connection.recv(100) or 137))
"""


class PreforkedProcess:
    """`python -m <arguments>`, with the methods of `subprocess.Popen`. It is killed when this process ends.

    Args:
        streams: descriptors of its standard input, output and error.
    """

    def __init__(
        self,
        server: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        cwd: Path,
        streams: tuple[int, int, int],
    ) -> None:
        self.args = [sys.executable, "-m", *arguments]
        self.returncode: int | None = None
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection.connect(server)
        order = {"arguments": list(arguments), "environment": dict(environment), "cwd": str(cwd)}
        socket.send_fds(self._connection, [json.dumps(order).encode()], streams)
        self.pid = int(self._connection.recv(100))

    def poll(self) -> int | None:
        """Its exit code, or None while it runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended. Raises subprocess.TimeoutExpired."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Nothing happens to one that has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self._connection.settimeout(timeout)
            with suppress(BlockingIOError, TimeoutError):
                self.returncode = int(self._connection.recv(100) or -signal.SIGKILL)  # nothing: the server was killed
                self._connection.close()
        return self.returncode


@contextmanager
def prefork_facts() -> Iterator[dict[str, Any]]:
    """The server, as data: the `socket` it listens on, and a program `python` that takes `-m` and is quick."""
    folder = Path(os.environ[SESSION])
    listening, python = folder / "prefork.socket", folder / "python"
    process = subprocess.Popen([sys.executable, "-m", __name__, str(listening)], cwd=PROJECT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"listening\n"
        python.write_text(CLIENT.format(python=sys.executable, socket=str(listening)))
        python.chmod(0o700)
        yield {"socket": str(listening), "python": str(python)}
    finally:
        process.kill()
        process.communicate()


class Server:
    """Forks what is ordered, tells each one's end, and ends what nobody holds any more."""

    def __init__(self, path: str) -> None:
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listening.bind(path)
        self._listening.listen(64)
        self._waking, self._woken = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._holders: dict[int, socket.socket] = {}
        for each in (self._listening, self._waking, self._woken):
            each.setblocking(False)
        for each in (self._listening, self._waking):
            self._selector.register(each, selectors.EVENT_READ)

    def serve(self) -> Mapping[str, Any]:
        """Returns in each forked process, with what was ordered."""
        signal.set_wakeup_fd(self._woken.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._listening:
                    connection, _ = self._listening.accept()
                    self._selector.register(connection, selectors.EVENT_READ)
                elif key.fileobj is self._waking:
                    self._waking.recv(1000)
                elif isinstance(key.fileobj, socket.socket) and (order := self._hear(key.fileobj)):
                    return order
            self._reap()

    def _hear(self, connection: socket.socket) -> Mapping[str, Any] | None:
        try:
            given, descriptors, _, _ = socket.recv_fds(connection, LONGEST_ORDER, 3)
        except ConnectionError:
            given, descriptors = b"", []
        if not given:
            self._abandoned(connection)
            return None
        pid = os.fork()
        if pid == 0:
            self._close()
            connection.close()
            _take_over(descriptors)
            order: Mapping[str, Any] = json.loads(given)
            return order
        for descriptor in descriptors:
            os.close(descriptor)
        self._holders[pid] = connection
        connection.send(str(pid).encode())
        return None

    def _abandoned(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        for pid in [pid for pid, holder in self._holders.items() if holder is connection]:
            os.kill(pid, signal.SIGKILL)  # not reaped yet: the number is still its
            del self._holders[pid]
        connection.close()

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if holder := self._holders.pop(ended[0], None):
                    with suppress(OSError):
                        holder.send(str(os.waitstatus_to_exitcode(ended[1])).encode())
                    self._selector.unregister(holder)
                    holder.close()

    def _close(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for each in (self._listening, self._waking, self._woken, *self._holders.values()):
            each.close()


def _take_over(descriptors: Sequence[int]) -> None:
    os.setsid()
    for target, descriptor in enumerate(descriptors):
        os.dup2(descriptor, target)
    os.closerange(3, max(descriptors) + 1)


def _import_everything() -> None:
    for root in ("postroom", *(service.worker.partition(".")[0] for service in installed_services())):
        for found in pkgutil.walk_packages(importlib.import_module(root).__path__, f"{root}."):
            if not NOT_IMPORTED & set(found.name.split(".")):
                importlib.import_module(found.name)


def main() -> None:
    """Serve, and be what was ordered in each forked process."""
    server = Server(sys.argv[1])
    print("listening", flush=True)  # noqa: T201 - orders may queue up from now on
    _import_everything()
    gc.collect()
    gc.freeze()
    order = server.serve()

    os.chdir(order["cwd"])
    sys.path[0] = order["cwd"]
    os.environ.clear()
    os.environ.update(order["environment"])
    module, *arguments = order["arguments"]
    sys.argv[1:] = arguments
    if module == "postroom.operator.cli":
        for console in (terminal.out, terminal.err):  # which read the environment as they are made
            console.__init__(stderr=console.stderr)  # type: ignore[misc]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
