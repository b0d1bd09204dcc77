"""Objects under one prefix of a folder or of an object store (S3, GCS, Azure): written whole or not at all."""

import asyncio
import errno
import hashlib
import os
import re
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from uuid import uuid4

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import AzureStore, GCSStore, LocalStore, S3Store, from_url

from postroom.wire.errors import ConfigurationError, PostroomError

READ_SECONDS = 60
PART_BYTES = 5 * 1024 * 1024
PARTS_AT_ONCE = 3  # 15 MiB of memory; S3 takes 10,000 parts, so an object may have 48 GiB
_RETRIES: Any = {"max_retries": 2, "retry_timeout": timedelta(seconds=20)}
_INCOMING = ".incoming"
_NOT_IN_A_KEY = re.compile(r"[\x00-\x1f\x7f\\]")


class NoSuchObject(PostroomError):
    """There is no object of that key."""


class OutsideStorage(PostroomError):
    """An address that is not one of an object under the prefix. The text says why."""


class StorageAway(PostroomError):
    """The storage does not answer, or refuses access."""


class StorageFull(PostroomError):
    """The folder's disk has no room."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What was written."""

    bytes: int
    sha256: str


class ObjectStorage:
    """Objects under one prefix.

    Args:
        prefix: `file:///data/reports`, `s3://bucket/reports?endpoint=…`, `gs://…`, `az://…`. The query has
            options of the store; `url`s of objects are written without it.
        setting: where the prefix was configured, for the error.
    """

    def __init__(self, prefix: str, setting: str = "REPORT_STORAGE_URL") -> None:
        parts = urlsplit(prefix)
        self.base = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/"
        self._folder: Path | None = None
        self._store: Any
        if parts.scheme == "file":
            self._folder = Path(unquote(parts.path)).absolute()
            self._store = _folder_store(self._folder, setting)
            return
        if parts.username or parts.password:
            raise ConfigurationError(
                f"{setting}: no user or password before the host, where every url would have it; write them as options "
                "after the ?: s3://bucket/prefix?access_key_id=…&secret_access_key=…"
            )
        options: dict[str, Any] = {**dict(parse_qsl(parts.query)), "retry_config": _RETRIES}
        if options.get("endpoint", "").startswith("http://"):
            options["client_options"] = {"allow_http": True}
        try:
            self._store = from_url(self.base.rstrip("/"), **options)
        except (BaseError, ValueError, TypeError) as error:
            raise ConfigurationError(
                f"{setting}: {parts.scheme}://{parts.netloc} cannot be used ({type(error).__name__}); "
                "use file:///folder, s3://bucket/prefix?endpoint=…, gs://… or az://…"
            ) from None

    def url(self, key: str) -> str:
        """The plain address of an object, without any permission to read it."""
        return self.base + quote(key)

    def key(self, url: str) -> str:
        """The key of the object at a plain address. Raises OutsideStorage."""
        if not url.startswith(self.base):
            raise OutsideStorage(f"only objects under {self.base} are read")
        # Decoded once, and what is decoded is what is looked at: no second decoding can make dots of it.
        key = unquote(url.removeprefix(self.base))
        segments = key.split("/")
        if _NOT_IN_A_KEY.search(key) or any(segment in ("", ".", "..") for segment in segments):
            raise OutsideStorage("it is not the plain address of one object")
        return key

    async def size(self, key: str) -> int:
        """How many bytes an object has. Raises NoSuchObject, StorageAway."""
        async with _answering(READ_SECONDS):
            return int((await obstore.head_async(self._store, key))["size"])

    async def read(self, key: str, limit: int) -> bytes | int:
        """An object's content; its size instead when that is over `limit`.

        Raises OutsideStorage for a link that leads out of the folder, NoSuchObject, StorageAway.
        """
        if self._folder is not None and not await asyncio.to_thread(_lies_in, self._folder, key):
            raise OutsideStorage("it leads out of the configured storage")
        async with _answering(READ_SECONDS):
            answer = await obstore.get_async(self._store, key)
            size = int(answer.meta["size"])
            return size if size > limit else bytes(await answer.bytes_async())

    async def fetch(self, key: str, target: Path) -> StoredObject:
        """Put an object's content into a file, in bounded memory. Raises NoSuchObject, StorageAway."""
        async with _answering(None):
            answer = await obstore.get_async(self._store, key)
            with target.open("wb") as file:
                async for some in answer.stream(min_chunk_size=PART_BYTES):
                    file.write(some)
        return StoredObject(*await asyncio.to_thread(_measured, target))

    async def write(self, key: str, source: Path, content_type: str) -> StoredObject:
        """Store the file's content under `key`, in place of what was there, in bounded memory.

        Nothing is seen under the key until all of it is there; a call that is cancelled leaves nothing new.
        Raises StorageAway, StorageFull.
        """
        size, digest = await asyncio.to_thread(_measured, source)
        if self._folder is not None:
            await _in_thread(_copy, source, self._folder, key)
        else:
            async with _answering(None):
                await obstore.put_async(
                    self._store,
                    key,
                    source,
                    attributes={"Content-Type": content_type, "sha256": digest},
                    chunk_size=PART_BYTES,
                    max_concurrency=PARTS_AT_ONCE,
                )
        return StoredObject(size, digest)

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are not there do not matter. Raises StorageAway."""
        for key in keys:
            try:
                async with _answering(READ_SECONDS):
                    await obstore.delete_async(self._store, key)
            except NoSuchObject:
                continue

    async def keys_under(self, folder: str) -> list[str]:
        """The keys of all objects in a folder. Raises StorageAway."""
        keys: list[str] = []
        async with _answering(None):
            async for some in obstore.list(self._store, folder):
                keys += [str(entry["path"]) for entry in some]
        return keys

    async def link(self, key: str, lasts: timedelta) -> str | None:
        """An address by which anybody may read the object for so long; None where the store has no such thing."""
        if not isinstance(self._store, S3Store | GCSStore | AzureStore):
            return None
        try:
            return str(await obstore.sign_async(self._store, "GET", key, lasts))
        except BaseError:  # credentials that cannot sign, such as a machine's own on GCS
            return None


@asynccontextmanager
async def _answering(seconds: float | None) -> AsyncIterator[None]:
    """Make errors of the store ours. `seconds`: for the answer; None leaves that to the store's client."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except (NotFoundError, FileNotFoundError):
        raise NoSuchObject("there is no such object in the storage") from None
    except (BaseError, OSError) as error:  # a time-out is an OSError
        raise StorageAway(f"the object storage did not answer ({type(error).__name__})") from None


def _folder_store(folder: Path, setting: str) -> LocalStore:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{setting}: the folder cannot be made ({error.strerror})") from None
    return LocalStore(folder)


def _lies_in(folder: Path, key: str) -> bool:
    # Links are followed here, before the store would follow them.
    return (folder / key).resolve().is_relative_to(folder.resolve())


def _measured(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()


async def _in_thread(work: Callable[..., None], *arguments: object) -> None:
    """Call `work` with an event that is set when this is cancelled; either way it has ended afterwards."""
    stop = threading.Event()
    task = asyncio.ensure_future(asyncio.to_thread(work, *arguments, stop))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([task])
        task.exception()
        raise


def _copy(source: Path, folder: Path, key: str, stop: threading.Event) -> None:
    # The store's own staging name would stay for ever beside the object if the process were killed.
    target, incoming = folder / key, folder / _INCOMING
    name = hashlib.sha256(key.encode()).hexdigest()[:32]
    try:
        incoming.mkdir(parents=True, exist_ok=True)
        for left in incoming.glob(f"{name}-*"):  # of a process that was killed
            left.unlink(missing_ok=True)
        staged = incoming / f"{name}-{uuid4().hex}"
        try:
            _copy_to_disk(source, staged, stop)
            target.parent.mkdir(parents=True, exist_ok=True)
            if not stop.is_set():
                staged.replace(target)
                _sync_folder(target.parent)
        finally:
            staged.unlink(missing_ok=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull("there is no room left on the disk of the storage folder") from None
        raise StorageAway(f"the storage folder cannot be written ({error.strerror})") from None


def _sync_folder(folder: Path) -> None:
    # Else a power cut may take the name away again.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy_to_disk(source: Path, staged: Path, stop: threading.Event) -> None:
    with source.open("rb") as reader, staged.open("wb") as writer:
        while not stop.is_set() and (some := reader.read(1024 * 1024)):
            writer.write(some)
        if stop.is_set():
            return
        writer.flush()
        os.fsync(writer.fileno())
