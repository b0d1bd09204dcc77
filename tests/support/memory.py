"""How much memory a process has needed."""

import re
from pathlib import Path


def peak_mib() -> int:
    """The most memory this process has had so far. Not `ru_maxrss`, which begins with the peak of the parent."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) // 1024
