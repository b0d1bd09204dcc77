"""The name of the person at the command line, for the log and for events."""

import getpass
import os
import socket

from postroom import wire


def operator_name() -> str:
    """Who uses this program, as `name@host`; by number where the user has no name, as in many containers."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # the second from Python 3.13 on
        name = f"uid-{os.getuid()}"
    return f"{name}@{socket.gethostname()}"[: wire.MAX_SHORT_BYTES]
