"""Free ports for a server of our own."""

import random
import socket
import sys

FIRST, LAST = 15000, 29999
"""Below what Linux (32768) and macOS (49152) give to outgoing connections. Between a kill and a restart a client's own
connection could otherwise sit on the server's port, or even connect to itself."""


_claimed: dict[int, int] = {}  # port: the descriptor that holds it


def free_ports(count: int) -> list[int]:
    """`count` different free ports on loopback, reserved for this process.

    They are this process's until it ends: another one that looks for a port while a server of ours is started again
    does not take it.
    """
    found: list[int] = []
    for port in random.sample(range(FIRST, LAST + 1), k=LAST + 1 - FIRST):
        if len(found) == count:
            break
        if port not in _claimed and is_free(port) and _claim(port):
            found.append(port)
    return found


def _claim(port: int) -> bool:
    if sys.platform != "linux":
        return True
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0postroom-port-{port}")  # a name without a file, which ends with this process
    except OSError:
        claim.close()
        return False
    _claimed[port] = claim.detach()
    return True


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:`port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
