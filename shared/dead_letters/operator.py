"""Who works with the dead letters, for the record."""

import getpass
import socket

from shared import wire


def operator() -> str:
    """Who uses this program, as `name@host`."""
    return f"{getpass.getuser()}@{socket.gethostname()}"[: wire.MAX_SHORT_BYTES]
