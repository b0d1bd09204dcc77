"""A lock file: one process at a time uses a folder."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from postroom.wire.errors import ConfigurationError

WAIT_SECONDS = 30
"""The guardian of an owner that was killed a moment ago needs its time to stop the node."""


@contextmanager
def locked_folder(folder: Path, use: str, *, wait_seconds: float = WAIT_SECONDS) -> Iterator[int]:
    """Make `folder` and hold it; yields the lock's file descriptor, which may be handed to a child.

    Raises ConfigurationError when it cannot be written or somebody else still holds it after `wait_seconds`.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be written ({error.strerror}): set POSTROOM_DATA_DIR to a folder that can"
        ) from None
    try:
        _wait_for(descriptor, folder, use, wait_seconds)
        yield descriptor
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, folder: Path, use: str, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise ConfigurationError(
                    f"{use} of another process uses {folder}: stop that one, or set POSTROOM_DATA_DIR to another folder"
                ) from None
            time.sleep(0.1)
        else:
            return
