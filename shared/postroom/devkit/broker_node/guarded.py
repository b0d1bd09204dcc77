"""The owner's side of the guardian: start, kill and stop a server that ends when this process does."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from postroom.devkit.broker_node import guardian
from postroom.devkit.broker_node.errors import ServerNotStarted


@dataclass(frozen=True)
class ServerPlan:
    """How to run one server, and what to remove after its end. All paths are absolute.

    `companions` are started before the server and killed after it. `stop_signal` asks the server to stop,
    `end_signal` at the very end; it is killed `patience_seconds` later. `user` is the (user id, group id) to run as,
    if not the caller's.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: str
    log: str
    companions: Sequence[Sequence[str]] = ()
    stop_signal: int = signal.SIGTERM
    end_signal: int = signal.SIGTERM
    patience_seconds: float = 20
    user: tuple[int, int] | None = None
    remove: Sequence[str] = ()


class GuardedServer:
    """One server under a guardian. Use it as a context manager: leaving it ends the server and cleans up.

    `lock` is a file descriptor that the guardian keeps open until it has cleaned up.
    """

    def __init__(self, plan: ServerPlan, *, lock: int | None = None) -> None:
        self._patience_seconds = plan.patience_seconds
        self._one_order = threading.Lock()
        self.pid: int | None = None
        # The guardian's own errors go to the server's log: were they written to the owner's standard error, whoever
        # reads that to its end would wait for the guardian.
        with Path(plan.log).open("ab") as log:
            self._guardian = subprocess.Popen(
                [sys.executable, "-I", "-S", guardian.__file__, json.dumps(_as_order(plan))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                pass_fds=() if lock is None else (lock,),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def start(self) -> int:
        """Start the server, again after `kill` or `stop`, and return its process id. It may not be ready yet."""
        self.pid = self._order("start")["pid"]
        return self.pid

    def kill(self) -> None:
        """SIGKILL; returns when the process is gone."""
        self._order("kill")

    def stop(self) -> None:
        """Ask the server to end, wait for it, and keep its data."""
        self._order("stop")

    def is_running(self) -> bool:
        """Whether the process that was started last is still there."""
        return self.pid is not None and guardian.exists(self.pid)  # the guardian leaves no zombies

    def end(self) -> None:
        """End the server and its guardian, and remove what the plan says. Idempotent."""
        if self._guardian.poll() is None and self._guardian.stdin is not None:
            with suppress(BrokenPipeError):  # it may end by itself just now
                os.write(self._guardian.stdin.fileno(), b"end\n")
        for stream in (self._guardian.stdin, self._guardian.stdout):
            if stream is not None:
                stream.close()
        self._guardian.wait(self._patience_seconds + 3 * guardian.KILLED_WITHIN_SECONDS)

    def _order(self, order: str) -> dict[str, Any]:
        with self._one_order:
            answer = self._exchange(order)
        if "error" in answer:
            raise ServerNotStarted(f"the server could not be started: {answer['error']}")
        return answer

    def _exchange(self, order: str) -> dict[str, Any]:
        assert self._guardian.stdin is not None  # noqa: S101 - for the type checker: both are pipes
        assert self._guardian.stdout is not None  # noqa: S101
        try:
            os.write(self._guardian.stdin.fileno(), f"{order}\n".encode())
            line = self._guardian.stdout.readline()
        except (BrokenPipeError, ValueError):
            line = b""
        if not line:
            raise ServerNotStarted(f"the guardian of the server has ended; '{order}' was not done")
        return dict(json.loads(line))


def _as_order(plan: ServerPlan) -> dict[str, Any]:
    return {**asdict(plan), "environment": dict(plan.environment), "owner": os.getpid()}
