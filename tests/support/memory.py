"""How much memory a process has needed."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil


def peak_mib() -> int:
    """The most memory this process has had so far. Not `ru_maxrss`, which begins with the peak of the parent."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) // 1024


class Peak:
    """The most memory that a process and its children had together; what they share counts once.

    `cpu_seconds` is the processor time that the process itself used.
    """

    def __init__(self, pid: int) -> None:
        self.mib = 0.0
        self.cpu_seconds = 0.0
        self._process = psutil.Process(pid)
        self._ended = threading.Event()

    @contextmanager
    def watched(self) -> Iterator[None]:
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            total = 0
            with suppress(psutil.Error):
                for process in (self._process, *self._process.children(recursive=True)):
                    total += process.memory_full_info().pss
                self.cpu_seconds = sum(self._process.cpu_times()[:2])
            self.mib = max(self.mib, total / 1024 / 1024)
