"""Temporary folders for documents. They are always removed: what a killed process left, the next one removes."""

import asyncio
import fcntl
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

_PREFIX = "postroom-report-"
_LOCK = "in-use"


class WorkFolder:
    """A folder of this process's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def folder(self) -> AsyncIterator[Path]:
        """An empty folder for one report."""
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            yield folder
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))


@contextmanager
def open_work_folder(parent: Path | None = None) -> Iterator[WorkFolder]:
    """A work folder under `parent`, by default the system's folder for temporary files."""
    parent = parent or Path(tempfile.gettempdir())
    _remove_abandoned(parent)
    folder, lock = _locked_folder(parent)
    try:
        yield WorkFolder(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.close()


def _locked_folder(parent: Path) -> tuple[Path, IO[str]]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        lock = (folder / _LOCK).open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel lets it go when this process ends, however
        if (folder / _LOCK).exists():
            return folder, lock
        lock.close()  # another process came between the two and took it for abandoned


def _remove_abandoned(parent: Path) -> None:
    for lock in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        try:
            with lock.open("r") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
        except OSError:  # in use, or somebody else's
            continue
