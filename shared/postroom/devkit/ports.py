"""Free ports for a server of our own."""

import random
import socket

FIRST, LAST = 15000, 29999
"""Below what Linux (32768) and macOS (49152) give to outgoing connections. Between a kill and a restart a client's own
connection could otherwise sit on the server's port, or even connect to itself."""


def free_ports(count: int) -> list[int]:
    """`count` different ports nobody listens on, on loopback."""
    found: list[int] = []
    for port in random.sample(range(FIRST, LAST + 1), k=LAST + 1 - FIRST):
        if len(found) == count:
            break
        if is_free(port):
            found.append(port)
    return found


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:`port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
