"""Stored objects that mails carry: read from under one configured prefix, and from nowhere else."""

import asyncio
import re
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, from_url

from services.email.errors import InvalidAttachment, StorageUnavailable
from shared.errors import ConfigurationError

READ_SECONDS = 60
_NOT_IN_A_KEY = re.compile(r"[\x00-\x1f\x7f\\]")


class StoredObjects(Protocol):
    """Reads what other services have stored."""

    async def read(self, url: str, limit: int) -> bytes:
        """The object at `url`.

        Raises InvalidAttachment when it is not under the prefix, not there or larger than `limit` bytes, and
        StorageUnavailable when the storage does not answer.
        """


class PrefixedStorage:
    """Objects under one prefix of a file system or an object store.

    Args:
        prefix: `file:///data/reports`, `s3://bucket/reports?endpoint=…`, `gs://…`, `az://…`. What stands in
            the query are options of the store; `url`s of objects are written without it.
    """

    def __init__(self, prefix: str) -> None:
        parts = urlsplit(prefix)
        self._base = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/"
        self._folder: Path | None = None
        self._store: Any
        if parts.scheme == "file":
            self._folder = Path(unquote(parts.path)).absolute()
            self._folder.mkdir(parents=True, exist_ok=True)
            self._store = LocalStore(self._folder)
            return
        options: dict[str, Any] = dict(parse_qsl(parts.query))
        if options.get("endpoint", "").startswith("http://"):
            options["client_options"] = {"allow_http": True}
        try:
            self._store = from_url(self._base.rstrip("/"), **options)
        except (BaseError, ValueError, TypeError) as error:
            raise ConfigurationError(
                f"REPORT_STORAGE_URL: {parts.scheme}://{parts.netloc} cannot be used ({type(error).__name__}); "
                "use file:///folder, s3://bucket/prefix?endpoint=…, gs://… or az://…"
            ) from None

    async def read(self, url: str, limit: int) -> bytes:
        """See StoredObjects."""
        key = self._key(url)
        if self._folder is not None and not await asyncio.to_thread(_lies_in, self._folder, key):
            raise InvalidAttachment("url: it leads out of the configured storage")
        try:
            async with asyncio.timeout(READ_SECONDS):
                answer = await obstore.get_async(self._store, key)
                size = int(answer.meta["size"])
                if size > limit:
                    raise InvalidAttachment(f"url: the object has {size} bytes, {limit} are left for attachments")
                return bytes(await answer.bytes_async())
        except (NotFoundError, FileNotFoundError):
            raise InvalidAttachment("url: there is no such object in the storage") from None
        except (BaseError, OSError) as error:  # a time-out is an OSError
            raise StorageUnavailable(f"the object storage did not answer ({type(error).__name__})") from None

    def _key(self, url: str) -> str:
        if not url.startswith(self._base):
            raise InvalidAttachment(f"url: only objects under {self._base} can be attached")
        # Decoded once, and what is decoded is what is looked at: no second decoding can make dots of it.
        key = unquote(url.removeprefix(self._base))
        segments = key.split("/")
        if _NOT_IN_A_KEY.search(key) or any(segment in ("", ".", "..") for segment in segments):
            raise InvalidAttachment("url: it is not the plain address of one object")
        return key


def _lies_in(folder: Path, key: str) -> bool:
    # Links are followed here, before the store would follow them.
    return (folder / key).resolve().is_relative_to(folder.resolve())
